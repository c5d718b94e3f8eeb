"""``clipdesk sheet``, ``page``, ``curves`` and ``spectrum``, which make one file of a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clipdesk.cli.terminal import make_console, say, say_path
from clipdesk.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

_folder = click.argument("folder", type=click.Path(path_type=Path), default=Path("generated_images"))


@click.command()
@_folder
@click.option("--output", type=click.Path(path_type=Path), default=Path("sheet.png"), show_default=True)
@click.option("--columns", type=click.IntRange(1, 200), help="Pictures in a row.")
def sheet(folder: Path, output: Path, columns: int | None) -> None:
    """Make a contact sheet (PNG or PDF) of the pictures in FOLDER, with labels and activations."""
    from clipdesk.export.sheet import find_pictures, save_sheet

    pictures = find_pictures(folder)
    save_sheet(pictures, output, columns)
    say_path(output)
    say(_counted(len(pictures)), err=True)


@click.command()
@_folder
@click.option("--output", type=click.Path(path_type=Path), help="HTML file to write.  [default: page.html in FOLDER]")
@click.option(
    "--megabytes", type=click.FloatRange(1, 2000), default=30.0, show_default=True, help="Largest size of the page."
)
def page(folder: Path, output: Path | None, megabytes: float) -> None:
    """Write one HTML page with the pictures in FOLDER, their curves and recipes.

    The page opens in any browser without a server or a network, and needs no other file.
    """
    from clipdesk.export.page import save_page

    path = output or folder / "page.html"
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"A page is an .html file, not {path.name}")
    with _progress("Pictures") as progress:
        count = save_page(folder, path, megabytes=megabytes, progress=progress)
    say_path(path)
    say(f"{_counted(count)}, {path.stat().st_size / 1e6:.1f} MB", err=True)


@click.command()
@_folder
@click.option("--output", type=click.Path(path_type=Path), default=Path("curves.csv"), show_default=True)
@click.option(
    "--wide", is_flag=True, help="Write one column per picture, for spreadsheets, instead of one row per step."
)
def curves(folder: Path, output: Path, wide: bool) -> None:
    """Write the curves of the pictures in FOLDER as CSV: the activation at each step."""
    from clipdesk.export.curves import save_curves

    if output.suffix.lower() != ".csv":
        raise UsageError(f"Curves go into a .csv file, not {output.name}")
    with _progress("Pictures") as progress:
        saved, without = save_curves(folder, output, wide=wide, progress=progress)
    say_path(output)
    say(f"{_counted(saved)}{f'; {without} without a curve' if without else ''}", err=True)


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
    import numpy as np

    from clipdesk.export.files import write_atomically
    from clipdesk.render.maco import magnitudes_of
    from clipdesk.render.user_images import images_in

    if output.suffix.lower() != ".npy":
        raise UsageError(f"A spectrum is an .npy file, not {output.name}")
    with _progress("Pictures") as progress:
        done = 0

        def counted() -> Iterator[Image.Image]:
            nonlocal done
            for done, picture in enumerate(images_in(folder), 1):
                yield picture
                progress(done, done)

        magnitudes = magnitudes_of(counted(), size)
    write_atomically(output, lambda file: np.save(file, magnitudes))
    say_path(output)
    say(_counted(done), err=True)


def _counted(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, and nothing in a pipe."""
    from rich.progress import Progress

    console = make_console(err=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, count: progress.update(task, completed=done, total=count)
