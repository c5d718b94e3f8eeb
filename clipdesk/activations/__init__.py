"""Surveys: what every unit of a model answers to in a set of pictures, from one pass over them."""
