"""Where files come in: what a path holds is found by its content, and its rows are given out in chunks."""
