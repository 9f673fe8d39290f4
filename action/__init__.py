"""What the GitHub Action does around the ``cqtui`` command. It imports nothing of cqtui: it runs the command."""
