"""What a forward does with its arguments, read from its source; nothing of it is run."""
