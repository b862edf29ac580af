"""What to write instead: one small pure part for each family of errors a forward can raise."""
