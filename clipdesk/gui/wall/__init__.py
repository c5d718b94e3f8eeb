"""The wall's parts that are not widgets: camera, selection, tiles, and the mosaics that its frames are drawn from."""
