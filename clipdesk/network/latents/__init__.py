"""Sparse autoencoders: files of them in several forms, one algebra, and their latents as a layer of a network."""
