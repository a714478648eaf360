"""Domain: the running processes of releases, wished for and observed."""
