"""Assembly of the server program: wiring, middleware, error pages, migrations, base templates."""
