"""What the entrances share: batch loop, reporter, function URLs, settings, metrics, AWS clients."""
