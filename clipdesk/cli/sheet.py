"""``clipdesk sheet``: the pictures of a folder on one sheet."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("generated_images"))
@click.option("--output", type=click.Path(path_type=Path), default=Path("sheet.png"), show_default=True)
@click.option("--columns", type=click.IntRange(1, 200), help="Pictures in a row.")
def sheet(folder: Path, output: Path, columns: int | None) -> None:
    """Put the pictures of a FOLDER on a contact sheet with their labels and activations, PNG or PDF."""
    from clipdesk.export.sheet import find_pictures, save_sheet

    pictures = find_pictures(folder)
    save_sheet(pictures, output, columns)
    click.echo(output)
    click.echo("1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures", err=True)
