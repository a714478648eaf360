"""The pages that show several domains at once: home, an app, an operation."""
