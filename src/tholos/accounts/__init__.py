"""Domain: organizations, accounts, sessions, tokens, and who may do what."""
