"""The UI's end of the pipe: start a worker, ask it, cancel, restart, and hear how it ended."""
