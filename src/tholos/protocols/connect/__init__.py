"""Posit Connect's API, as its clients speak it: rsconnect-python, posit-sdk and pins work unchanged."""
