"""The operator's commands: `ica`, a file a command, and `make deploy`. They run in an environment of their own."""
