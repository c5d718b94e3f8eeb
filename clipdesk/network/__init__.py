"""An opened network: the tree of its layers, and reading any of them. Imports torch, never Qt."""
