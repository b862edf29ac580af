"""nninspect: what a PyTorch model is, what it does to a batch, and how fast it runs."""

__version__ = "0.1.0"
