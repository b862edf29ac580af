"""The doctor: what is wrong with a model, found by rules that look at shared evidence."""
