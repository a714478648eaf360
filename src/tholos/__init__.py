"""Tholos: publish a folder of Python and it runs."""

__version__ = "0.1.0"
