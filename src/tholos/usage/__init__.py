"""Domain: usage, which is who opened which app when."""
