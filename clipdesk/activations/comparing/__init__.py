"""Two models over the same pictures: what differs between their units and their layers."""
