"""Each module speaks to one thing outside: the vendor's API, the table, the topic, a queue, the parameters, Slack."""
