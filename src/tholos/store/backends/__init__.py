"""Where blobs lie: one module per kind of place."""
