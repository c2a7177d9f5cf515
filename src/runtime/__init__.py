"""What the entrances share: batches, function URLs, settings, metrics, AWS clients."""
