"""Domain: apps, their releases, and the named pointers that say which release serves."""
