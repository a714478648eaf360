"""In-memory stand-ins and contract suites for every seam, shipped with the package."""
