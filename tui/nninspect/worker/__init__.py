"""The torch process: it takes requests over a pipe and answers them."""
