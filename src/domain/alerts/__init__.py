"""The alert, how it reads, and its delivery to one destination."""
