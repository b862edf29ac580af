"""A forward without values: known shapes, guesses where a value decides, and what to try next."""
