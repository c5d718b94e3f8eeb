"""Two small CNNs of different architectures that name the contents of a picture. They are not CLIPs, and do not render.

``python -m benchmarks.judges train`` trains both again, ``python -m benchmarks.judges measure`` prints the table of
their README.
"""

from benchmarks.judges.networks import MAKES, Judge, load_judge, named

__all__ = ["MAKES", "Judge", "load_judge", "named"]
