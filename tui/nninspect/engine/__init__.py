"""Load a model, make its inputs, run it, and say what it did."""
