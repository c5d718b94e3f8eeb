"""Two small CNNs of different make that name what a picture shows; they are no CLIPs, and no picture is made with them.

``python -m benchmarks.judges train`` makes both again, ``python -m benchmarks.judges measure`` prints the table of
their README.
"""

from benchmarks.judges.networks import MAKES, Judge, load_judge, named

__all__ = ["MAKES", "Judge", "load_judge", "named"]
