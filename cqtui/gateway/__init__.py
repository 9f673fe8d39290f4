"""The models that can be called, behind one protocol."""
