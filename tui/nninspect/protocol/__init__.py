"""What the two processes say to each other: records, messages and their framing."""
