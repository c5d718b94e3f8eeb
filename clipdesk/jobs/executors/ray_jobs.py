"""Workers of a Ray that this computer is no node of: a job of Ray's lends them through a folder. Needs no Ray here."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from urllib3.util import parse_url

from clipdesk.errors import ClipDeskError, NoWorkersError, UsageError, one_line, printable
from clipdesk.jobs.executors.inquiry import Inquiry
from clipdesk.jobs.executors.letters import Pace, open_spool, unused_folder
from clipdesk.jobs.executors.on_ray import is_loopback
from clipdesk.jobs.executors.spool import SpoolFleet
from clipdesk.models.stream import explained, trusted
from clipdesk.paths import data_folder

EXAMPLE = "--on ray:http://127.0.0.1:8265,folder=/shared"
_ASK_SECONDS = 10.0
"""From one answer about the job to the next question."""
_START_SECONDS = 60.0
"""How long a Ray is waited for that says that it takes jobs later."""
_TIMEOUT_SECONDS = 20.0
_END_SECONDS = 5.0
"""The same where the head, which is to end, waits: to connect, and then for each part of the answer."""
_MOST_BYTES = 1_000_000
_ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


@dataclass(frozen=True)
class RayAddress:
    """Where a Ray takes jobs.

    Attributes:
        url: Of its dashboard, without a slash at the end.
        folder: Where letters are, as this computer sees it.
        there: The same folder as the node sees it on which Ray's jobs begin.
    """

    url: str
    folder: Path = field(default_factory=lambda: data_folder() / "ray")
    there: str = ""

    @property
    def host(self) -> str:
        """The host's name or address."""
        return (parse_url(self.url).host or "").strip("[]")


def ray_address(text: str) -> RayAddress:
    """Read ``http://HOST:8265,folder=/shared,there=/mnt/shared``.

    Raises:
        UsageError: it is not written so.
    """
    url, *parts = re.split(r",(?=folder=|there=)", text)
    options = dict(part.split("=", 1) for part in parts)
    try:
        found = parse_url(url)
    except urllib3.exceptions.LocationParseError:
        found = parse_url("")
    plain = found.scheme in ("http", "https") and found.host and not (found.auth or found.query or found.fragment)
    if not plain or len(options) < len(parts) or not all(options.values()):
        raise UsageError(f"{one_line(text)!r} is no address of Ray's jobs. Write {EXAMPLE}")
    address = RayAddress(url.rstrip("/"))
    folder = Path(options["folder"]).expanduser() if "folder" in options else address.folder
    return RayAddress(address.url, folder, options.get("there", ""))


def token_in(environment: Mapping[str, str], home: Path) -> str:
    """The token that Ray's own tools would use; empty if there is none.

    Raises:
        UsageError: a file that is named cannot be read; or it is no token, which is not said, since it is a secret.
    """
    if token := environment.get("RAY_AUTH_TOKEN", "").strip():
        return _checked(token, "RAY_AUTH_TOKEN")
    named = environment.get("RAY_AUTH_TOKEN_PATH")
    if not named and environment.get("RAY_AUTH_MODE") != "token":
        return ""
    path = Path(named) if named else home / ".ray" / "auth_token"
    try:
        token = path.read_text().strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"Ray's token cannot be read from {printable(path)}: {error}") from None
    return _checked(token, printable(path))


def _checked(token: str, where: str) -> str:
    # What no header can hold is an error that shows it, and that would be kept in the log.
    if not (token.isascii() and token.isprintable()):
        raise UsageError(f"What is in {where} is no token of Ray's: a token is one line of ASCII characters")
    return token


class RayJobs:
    """Ray's jobs over HTTP.

    Args:
        address: Where.
        token: What Ray is to know this user by; empty for none.

    Raises:
        UsageError: strangers could run programs there; or the token is missing or wrong.
        ClipDeskError: it cannot be reached, or is no Ray.
    """

    def __init__(self, address: RayAddress, token: str) -> None:
        self._address = address
        self._token = token
        self._pool = urllib3.PoolManager(ssl_context=trusted(), retries=False)
        self._check_closed()
        self.ask("GET", "/api/version")

    def _check_closed(self) -> None:
        if is_loopback(self._address.host) or self._address.url.startswith("https:"):
            return
        url = self._address.url
        if not self._token:
            raise UsageError(
                f"Without a token nothing is sent to {url}, since others would be let in as well. Set RAY_AUTH_TOKEN, "
                "use https, or a tunnel to 127.0.0.1"
            )
        if self._status("GET", "/api/jobs/", {})[0] == 200:
            raise UsageError(
                f"The Ray at {url} lets in everybody who reaches it. Start it with a token (RAY_AUTH_MODE=token)"
            )

    def ask(
        self, method: str, path: str, said: Mapping[str, Any] | None = None, *, seconds: float = _TIMEOUT_SECONDS
    ) -> dict[str, Any]:
        """What Ray answers.

        Args:
            method: Of HTTP.
            path: What is asked for.
            said: What is sent along.
            seconds: How long to wait for it.

        Raises:
            UsageError: the token is missing or wrong.
            ClipDeskError: it cannot be reached, is no Ray, or does not do that.
        """
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        status, body = self._status(method, path, headers, said, seconds)
        url = self._address.url
        if status == 401:
            raise UsageError(f"The Ray at {url} asks for a token. Set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH")
        if status == 403:
            raise UsageError(f"The Ray at {url} does not take this token. Set RAY_AUTH_TOKEN to the cluster's")
        if status == 404 and not path.startswith("/api/jobs/"):
            raise ClipDeskError(f"There is no Ray at {url}: something else answers")
        if status != 200:
            lines = [line.strip() for line in body.splitlines() if line.strip()] or ["nothing more"]
            raise ClipDeskError(f"The Ray at {url} answers {status}: {one_line(lines[-1], 200)}")
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ClipDeskError(f"There is no Ray at {url}: something else answers")
        return found

    def _status(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        said: Mapping[str, Any] | None = None,
        seconds: float = _TIMEOUT_SECONDS,
    ) -> tuple[int, str]:
        body = None if said is None else json.dumps(dict(said)).encode()
        sent = {**headers, "Content-Type": "application/json"}
        try:
            response = self._pool.request(
                method,
                self._address.url + path,
                body=body,
                headers=sent,
                redirect=False,
                preload_content=False,
                timeout=seconds,
            )
            with response:
                return response.status, response.read(_MOST_BYTES).decode(errors="replace")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = one_line(explained(error, self._address.host, seconds), 200)
            raise ClipDeskError(f"The Ray at {self._address.url} cannot be reached: {reason}") from error


class RayJobFleet(SpoolFleet):
    """A job of Ray's that lends the workers of the whole cluster through a folder. It is stopped with the fleet.

    Args:
        address: Where Ray takes jobs.
        tell: Told a line for the user.
        environment: Where the token is.
        pace: As of `SpoolFleet`.

    Raises:
        UsageError: as of `RayJobs`; the folder cannot be used.
        ClipDeskError: as of `RayJobs`.
    """

    def __init__(
        self,
        address: RayAddress,
        *,
        tell: Callable[[str], object] = lambda _: None,
        environment: Mapping[str, str] = os.environ,
        pace: Pace | None = None,
    ) -> None:
        self._jobs = RayJobs(address, token_in(environment, Path.home()))
        folder = open_spool(unused_folder(address.folder), boxes=False)
        super().__init__(folder / "spool", pace=pace, ends=True)
        self._tell = tell
        self._inquiry = Inquiry(self._ask, "Ray", _ASK_SECONDS)
        there = f"{address.there.rstrip('/')}/{folder.name}/spool" if address.there else str(self.folder)
        entrypoint = f"python -m clipdesk worker --on ray:auto --idle 5 --spool {shlex.quote(there)}"
        name = f"clipdesk-{folder.name}"
        try:
            found = self._submit({"entrypoint": entrypoint, "submission_id": name})
            self.job = one_line(found.get("submission_id", name))
        except BaseException:
            super().close()
            raise
        tell(f"Ray has job {self.job}: {address.url}/#/jobs/{self.job}")

    def _submit(self, job: Mapping[str, str]) -> dict[str, Any]:
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self._jobs.ask("POST", "/api/jobs/", job)
            except ClipDeskError as error:
                # As one says that has been started a moment ago.
                if "try again later" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(1.0)

    def awaited(self) -> str:
        """As `Fleet.awaited`; returns at once.

        Raises:
            NoWorkersError: the job has ended.
        """
        return f"Waiting for Ray's job {self.job}: {self._inquiry.answer()}"

    def _ask(self) -> str:
        try:
            found = self._jobs.ask("GET", f"/api/jobs/{self.job}")
        except ClipDeskError:
            return "Ray does not answer"
        status = one_line(found.get("status", ""))
        if status not in _ENDED:
            return status.lower()
        lines: list[str] = []
        with suppress(ClipDeskError):
            lines = str(self._jobs.ask("GET", f"/api/jobs/{self.job}/logs").get("logs", "")).strip().splitlines()
        why = lines[-1] if lines else found.get("message") or "it has said nothing"
        raise NoWorkersError(f"Ray's job {self.job} has ended. Its last line: {one_line(why, 300)}")

    def close(self) -> None:
        """As `Fleet.close`; the job is stopped. A line says so if it was not."""
        super().close()
        try:
            self._jobs.ask("POST", f"/api/jobs/{self.job}/stop", seconds=_END_SECONDS)
        except ClipDeskError as error:
            # It sees that the head has ended.
            self._tell(f"Ray's job {self.job} was not stopped, and ends by itself: {error}")
