"""Time a model on devices and batch sizes."""
