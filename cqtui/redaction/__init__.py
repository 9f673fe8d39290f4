"""Replaces personal details and keys in text by placeholders. Pure text work: knows no log, no settings, no store."""
