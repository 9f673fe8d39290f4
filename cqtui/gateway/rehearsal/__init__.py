"""Simulated models behind a real HTTP server, for rehearsing a run on one's own log without spending.

A simulated answer is the logged answer with seeded damage; the simulated judge compares what remains. Never evidence.
"""
