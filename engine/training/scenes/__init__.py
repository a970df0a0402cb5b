"""Drawn scenes with captions, made by number: what the bundled model learns from."""
