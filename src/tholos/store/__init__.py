"""Content: blobs, packs and snapshots, one kind of content for everything. Usable without the server's dependencies."""
