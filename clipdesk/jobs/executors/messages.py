"""Events as messages: units are said by their positions in the claim, so that a step costs a hundred bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipdesk.errors import Cancelled, ClipDeskError, DeviceLostError, DiskFullError, RenderError, UsageError
from clipdesk.export.recipe import Recipe
from clipdesk.jobs.events import Done, Event, Failure, PartRead, Progress, Result, ShardPiece
from clipdesk.jobs.executors.wire import Message, WireError
from clipdesk.jobs.job import Job
from clipdesk.jobs.work import Work
from clipdesk.render.settings import RenderSettings

_ERRORS: dict[str, type[ClipDeskError]] = {
    "UsageError": UsageError,
    "RenderError": RenderError,
    "DiskFullError": DiskFullError,
}


def message_of(event: Event, number: int, positions: Mapping[object, int]) -> Message:
    """What a worker says of an event of a claim.

    Args:
        event: Of an executor.
        number: The claim's.
        positions: Where in the claim each of its units is.
    """
    if isinstance(event, Progress):
        penalties = {f"penalty {name}": each for name, each in event.penalties.items()}
        images = {} if event.images is None else {"images": event.images}
        units = [positions[target] for target in event.targets]
        fields = {"event": "progress", "units": units, "step": event.step, "iterations": event.iterations}
        return Message("event", number, fields, {"activations": event.activations, **penalties, **images})
    if isinstance(event, Result):
        fields = {
            "event": "result",
            "unit": positions[event.target],
            "settings": event.settings.model_dump(mode="json"),
            "activation": event.activation,
            "seconds": event.seconds,
            "complete": event.complete,
            "recipe": event.recipe.model_dump_json(),
        }
        alpha = {} if event.alpha is None else {"alpha": event.alpha}
        return Message("event", number, fields, {"image": event.image, "curve": event.curve, **alpha})
    if isinstance(event, Failure):
        fields = {"event": "failure", "unit": positions[event.target], "reason": event.reason}
        return Message("event", number, {**fields, "known": event.known, "details": event.details})
    if isinstance(event, PartRead):
        sizes = [[place, len(webp)] for place, webp in event.thumbnails]
        fields = {"event": "read", "unit": positions[event.target], "done": event.done, "thumbnails": sizes}
        return Message("event", number, fields, {"webp": _array_of(b"".join(webp for _, webp in event.thumbnails))})
    if isinstance(event, ShardPiece):
        fields = {"event": "piece", "unit": positions[event.target], "done": event.done, "start": event.start}
        return Message("event", number, fields, {"data": _array_of(event.data)})
    if isinstance(event, Done):
        return Message("event", number, {"event": "done", "unit": positions[event.target], "file": event.file})
    raise TypeError(f"a worker has nothing to say of {type(event).__name__}")


def event_of(message: Message, job: Work) -> Event:
    """The event that a worker tells of.

    Args:
        message: What it says.
        job: What was claimed.

    Raises:
        WireError: it is not such a message.
    """
    try:
        return _event_of(message, message.fields, job)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise WireError("A worker and its head do not understand each other") from error


def _event_of(message: Message, fields: Mapping[str, Any], job: Work) -> Event:
    arrays, units = message.arrays, job.units
    if fields["event"] == "progress":
        penalties = {name.removeprefix("penalty "): each for name, each in arrays.items() if name[:8] == "penalty "}
        targets = tuple(units[_position(each, units)] for each in fields["units"])
        step, steps = int(fields["step"]), int(fields["iterations"])
        return Progress(targets, step, steps, arrays["activations"], penalties, arrays.get("images"))
    position = _position(fields["unit"], units)
    if fields["event"] == "failure":
        reason, details = str(fields["reason"]), str(fields["details"])
        return Failure(units[position], reason, known=bool(fields["known"]), details=details)
    if fields["event"] == "read":
        return PartRead(units[position], int(fields["done"]), _thumbnails(arrays["webp"], fields["thumbnails"]))
    if fields["event"] == "piece":
        return ShardPiece(units[position], int(fields["done"]), int(fields["start"]), arrays["data"].tobytes())
    if fields["event"] == "done":
        return Done(units[position], str(fields["file"]))
    if not isinstance(job, Job) or fields["event"] != "result":
        raise ValueError("no such event")
    # Which of a machine's GPUs a worker has is its own matter: the picture is that of the device that was asked for.
    asked = {"device": job.settings.device}
    recipe = Recipe.model_validate_json(fields["recipe"])
    # By this computer's clock: a picture is told from one that was there before the job by its date.
    date = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    settings = RenderSettings.model_validate(fields["settings"]).model_copy(update=asked)
    return Result(
        target=job.targets[position],
        settings=settings,
        image=arrays["image"],
        curve=arrays["curve"],
        activation=float(fields["activation"]),
        seconds=float(fields["seconds"]),
        complete=bool(fields["complete"]),
        recipe=recipe.model_copy(update={"settings": recipe.settings.model_copy(update=asked), "date": date}),
        alpha=arrays.get("alpha"),
    )


def _array_of(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


def _thumbnails(array: NDArray[np.uint8], sizes: Sequence[tuple[str, int]]) -> tuple[tuple[str, bytes], ...]:
    data, start, found = array.tobytes(), 0, []
    for place, size in sizes:
        found.append((str(place), data[start : start + int(size)]))
        start += int(size)
    return tuple(found)


def _position(position: object, units: Sequence[object]) -> int:
    if type(position) is not int or not 0 <= position < len(units):
        raise ValueError("no such unit")
    return position


def said(error: Exception) -> dict[str, Any]:
    """An error as plain values."""
    kind = next((each.__name__ for each in type(error).__mro__ if each.__name__ in _ERRORS), "")
    lost = isinstance(error, DeviceLostError)
    expected = isinstance(error, ClipDeskError)
    text = error.reason if isinstance(error, DeviceLostError) else str(error)
    return {
        "error": kind,
        "reason": text if expected else f"{type(error).__name__}: {text}",
        "lost": lost,
        "cancelled": isinstance(error, Cancelled),
    }


def error_in(fields: Mapping[str, Any]) -> Exception:
    """The error that a worker has said, to be raised here."""
    if fields.get("cancelled"):
        return Cancelled()
    reason = str(fields.get("reason", ""))
    kind = _ERRORS.get(str(fields.get("error")), ClipDeskError)
    return DeviceLostError(reason) if fields.get("lost") else kind(reason)
