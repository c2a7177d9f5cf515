"""The outcome table: a file for each kind of item. `keys` and `table` hold what they share."""
