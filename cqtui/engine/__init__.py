"""The pipeline: discover, rank, verify, decide. Knows no front end."""
