"""Options that say which survey answers a question. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import click

from clipdesk.activations.questions.concepts import LISTS
from clipdesk.cli.listing import find_model, json_option, model_given, model_option, trust_option
from clipdesk.errors import UsageError
from clipdesk.models.names import ModelName

POOLINGS = ("mean", "max", "class")
concepts_option = click.option(
    "--concepts", metavar="LIST", help=f"{', '.join(LISTS)}, or a text file with one concept on each line."
)


@dataclass(frozen=True)
class Wanted:
    """Which survey a person asks, as it was typed.

    Attributes:
        model: The model.
        given: Whether the person named it.
        images: The image set; None for any.
        survey: The name of the survey; None for the newest.
    """

    model: ModelName
    given: bool
    images: str | None
    survey: str | None


def asked_of_a_survey(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all questions have; those that say which survey answers arrive as `wanted`."""

    @wraps(function)
    def command(*, model: str, trust_archive: bool, images: str | None, survey: str | None, **others: object) -> None:
        if images is not None and survey is not None:
            raise UsageError("--survey names one survey, so leave out --images")
        wanted = Wanted(find_model(model, trust_archive), model_given(), images, survey)
        function(wanted=wanted, **others)

    with_options: Callable[..., None] = command
    for add in (
        json_option,
        trust_option,
        model_option,
        click.option("--images", metavar="SET", help="Ask the newest survey of these images.  [default: of any]"),
        click.option("--survey", metavar="NAME", help="Ask this survey: its name ('clipdesk surveys') or its folder."),
        click.option(
            "--pooling",
            type=click.Choice(POOLINGS),
            help="How a unit's values at all patches become one: their mean, the largest, or that of the class token.",
        ),
    ):
        with_options = add(with_options)
    return with_options
