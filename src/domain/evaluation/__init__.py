"""One event becomes one outcome: fetch, judge, save, publish."""
