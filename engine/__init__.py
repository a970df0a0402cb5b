"""The engine of Heddle: graphs, their execution, and the diffusion models they run."""

__version__ = "0.1.0"
