"""Domain: the values of an app's environment variables, sealed: plain ones that belong to a release, secrets that are current."""
