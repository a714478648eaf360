"""Domain: apps that follow a branch of a git repository."""
