"""The Lambda functions' entrances: parse, delegate, report."""
