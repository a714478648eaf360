"""The small process that owns instances. Standard library only; it outlives the server."""
