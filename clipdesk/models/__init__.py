"""Which models exist, how their files get here, and how they are opened."""
