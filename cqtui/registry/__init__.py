"""The models cqtui knows, and what a call on them costs."""
