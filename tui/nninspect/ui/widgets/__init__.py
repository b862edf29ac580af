"""The widgets, each shows state and fetches nothing."""
