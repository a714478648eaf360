"""Domain: paths of one's own, under which an app is reached at the console's host."""
