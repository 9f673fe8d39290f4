"""The terminal app: the engine's events and results on screens."""
