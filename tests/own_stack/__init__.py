"""End-to-end tests whose stack nothing else may use: they hold requests, kill workers, move queues or run the timer.

`make test` runs them beside `tests/e2e`, because they mostly wait.
"""
