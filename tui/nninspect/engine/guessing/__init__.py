"""Finding an input for a model that came without one: a first guess, tried and corrected."""
