"""Pure statistical functions. Importing this package loads neither numpy nor scipy."""
