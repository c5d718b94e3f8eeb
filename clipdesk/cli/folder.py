"""``clipdesk sheet``, ``curves`` and ``spectrum``, which make one file of a folder of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clipdesk.errors import UsageError

if TYPE_CHECKING:
    from clipdesk.cli.foldering import Folder

_folder = click.argument("folder", type=click.Path(path_type=Path), default=Path("generated_images"))


@click.command()
@_folder
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("sheet.png"), show_default=True)
@click.option("--columns", type=click.IntRange(1, 200), help="Pictures in a row.")
def sheet(folder: Path, output: Path, columns: int | None) -> None:
    """Make a contact sheet (PNG or PDF) of the pictures in FOLDER, with labels and activations."""
    opened(folder).sheet(output, columns)


@click.command()
@_folder
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("curves.csv"), show_default=True)
@click.option(
    "--wide", is_flag=True, help="Write one column per picture, for spreadsheets, instead of one row per step."
)
def curves(folder: Path, output: Path, wide: bool) -> None:
    """Write the curves of the pictures in FOLDER as CSV: the activation at each step, under its changes."""
    if output.suffix.lower() != ".csv":
        raise UsageError(f"Curves go into a .csv file, not {output.name}")
    opened(folder).curves(output, wide)


@click.command()
@_folder
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--size", type=click.IntRange(32, 1024), default=256, show_default=True, help="Side of the spectrum, in pixels."
)
def spectrum(folder: Path, output: Path, size: int) -> None:
    """Make a spectrum for maco from the images in FOLDER: the mean magnitude of each frequency.

    Render with it: --parameterization maco --spectrum OUTPUT.
    """
    if output.suffix.lower() != ".npy":
        raise UsageError(f"A spectrum is an .npy file, not {output.name}")
    opened(folder).spectrum(output, size)


def opened(folder: Path) -> Folder:
    """A folder of pictures."""
    # Only when one of them runs: it takes NumPy and Pillow along.
    from clipdesk.cli.foldering import Folder

    return Folder(folder)
