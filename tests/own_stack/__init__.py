"""End-to-end tests whose stack nothing else may use: they kill workers, redrive queues or run the timer.

`make test` runs them beside `tests/e2e`, because they mostly wait.
"""
