"""Whose turn it is: jobs on disk, the workers that do them, and what they make, published exactly once."""
