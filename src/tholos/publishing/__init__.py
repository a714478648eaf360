"""Domain: from a snapshot to a serving release, as an operation."""
