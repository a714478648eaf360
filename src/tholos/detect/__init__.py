"""Kind, entry point, packages and interpreter of a folder, each with its evidence. Pure over a file tree."""
