"""Environments, and instances as processes: what runs and how it is started."""
