"""The command line: one module per command group; only main.py parses."""
