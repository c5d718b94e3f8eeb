"""Jobs: what is asked for as plain data, and running it."""
