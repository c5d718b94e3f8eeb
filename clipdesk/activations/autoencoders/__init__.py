"""Sparse autoencoders of one's own: trained on a layer's activations, so that their latents can be looked at."""
