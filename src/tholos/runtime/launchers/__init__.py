"""Who starts a process: one module per engine."""
