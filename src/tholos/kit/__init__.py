"""What any product could use: errors, ids, clock, database, logging. No product nouns."""
