"""The ways to run a model, one file a mode or a family of modes."""
