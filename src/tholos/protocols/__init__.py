"""Foreign wires: each folder translates one into the use cases that our own API has, and holds no rules of its own."""
