"""Whatever names a recording, read into one event."""
