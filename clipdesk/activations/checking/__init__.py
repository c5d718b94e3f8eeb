"""Whether rendered pictures can be trusted."""
