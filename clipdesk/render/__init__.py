"""The engine: renders pictures that excite a unit of a vision model. Imports torch, but not Qt.

It writes no files. Before the first step it reads those that settings and targets name: images, directions and spectra.
`settings` and `targets` are plain data and import no torch.
"""
