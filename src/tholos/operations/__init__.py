"""Domain: long platform work as a record with steps, events and a definite end."""
