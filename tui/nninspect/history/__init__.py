"""Benchmarks that were saved: their files, the past of a model, and one run against another."""
