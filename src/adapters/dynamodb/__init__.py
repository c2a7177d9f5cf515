"""The outcome table: outcomes, deliveries, discovery's memory, the request budget."""
