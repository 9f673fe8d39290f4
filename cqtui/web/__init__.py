"""The terminal app in a browser: who is let in, and the server. Of the app it knows only the command to start."""
