"""What the product knows: recordings, rules, outcomes, alerts, delivery. No AWS, no HTTP, no environment."""
