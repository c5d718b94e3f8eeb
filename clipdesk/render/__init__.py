"""The engine: pictures that excite a unit of a vision model. Imports torch, never Qt, never the file system.

`settings` and `targets` are plain data and import no torch.
"""
