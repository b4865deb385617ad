"""The verbs: what a person or the clock can do. Each is one transaction with one audit row."""
