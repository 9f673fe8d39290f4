"""The text of TOML files: where things stand in it, what is wrong with it, changing it in place."""
