"""Image sets: the pictures that people have, in folders, archives and tables. Imports no Qt and no network."""
