"""The kinds of work that the queue can keep, and that workers can be asked for."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import from_json

from clipdesk.jobs.autoencoder_work import AutoencoderWork
from clipdesk.jobs.job import Job
from clipdesk.jobs.set_work import ComparisonWork, SurveyWork
from clipdesk.jobs.shard_work import ShardWork
from clipdesk.jobs.work import Work
from clipdesk.models.names import kept_name

KINDS: dict[str, type[Work]] = {
    "render": Job,
    "survey": SurveyWork,
    "comparison": ComparisonWork,
    "autoencoder": AutoencoderWork,
}
"""By `Work.kind`."""

FOR_WORKERS: dict[str, type[Work]] = {"shards": ShardWork}
"""Further kinds, which a head asks its workers for."""


def read_work(text: str, more: Mapping[str, type[Work]] | None = None) -> Work:
    """Read work of any kind from the JSON that `Work.written` gives.

    Args:
        text: The JSON.
        more: Kinds that are expected besides those of the queue.

    Raises:
        ValueError: it is something else, or of a kind that this version does not know.
        UsageError: the model's name cannot be read.
    """
    kinds = {**KINDS, **(more or {})}
    values = from_json(text)
    # Version 0.1 knew rendering alone and did not write the kind down.
    kind = values.get("kind", "render") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"there is no kind of work {kind!r}")
    if "kind" not in values and isinstance(values.get("model"), str):
        values["model"] = kept_name(values["model"])
    return kinds[kind].read(values)
