"""The typed HTTP client: the server's public API, and the only way the command line reaches it."""
