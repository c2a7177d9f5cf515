"""The backtest: what a rules document would have found in calls that another one judged."""
