"""RayJobFleet: what is asked of Ray's jobs, by a made-up server; and whom a real Ray lets in, where it is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clipdesk.errors import ClipDeskError, NoWorkersError, UsageError
from clipdesk.jobs.executors import ray_jobs
from clipdesk.jobs.executors.letters import Pace, read_beat
from clipdesk.jobs.executors.ray_jobs import RayAddress, RayJobFleet, RayJobs, ray_address, token_in
from clipdesk.jobs.executors.relay import Relay
from tests.jobs.executors.toy_fleet import Pages, ToyFleet, awaited

TOKEN = {"RAY_AUTH_TOKEN": "secret"}
QUICK = Pace(poll=0.01, beat=0.05)
needs_dashboard = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ray", "aiohttp_cors")),
    reason="ray[default] is not installed",
)


class Ray(ThreadingHTTPServer):
    """Ray's jobs, as this computer sees them.

    Attributes:
        token: Who has none is turned away; empty to let in everybody.
        asked: Methods and paths, and what came with them.
        status: Of the job.
        body: Answers everything, if it is there.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.token = "secret"
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.status = "RUNNING"
        self.body: bytes | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        ray = self.server
        assert isinstance(ray, Ray)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        ray.asked.append((self.command, self.path, json.loads(body) if body else {}))
        said = self.headers.get("Authorization", "")
        status = 200 if said == f"Bearer {ray.token}" or not ray.token else 403 if said else 401
        found: Mapping[str, str] = {"ray_version": "2.60.0", "status": ray.status, "logs": "begun\nError: no room\n"}
        if self.command == "POST" and self.path == "/api/jobs/":
            found = {"submission_id": ray.asked[-1][2]["submission_id"]}
        data = (json.dumps(found).encode() if ray.body is None else ray.body) if status == 200 else b"Unauthorized"
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def ray() -> Iterator[Ray]:
    with Ray() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_job_lends_the_clusters_workers_and_is_stopped_at_the_end(ray: Ray, tmp_path: Path) -> None:
    said: list[str] = []
    address = RayAddress(ray.url, tmp_path / "a folder")
    with closing(RayJobFleet(address, tell=said.append, environment=TOKEN, pace=QUICK)) as fleet:
        assert awaited(fleet) == f"Waiting for Ray's job {fleet.job}: running"
        assert said == [f"Ray has job {fleet.job}: {ray.url}/#/jobs/{fleet.job}"]
        ((_, _, job),) = [each for each in ray.asked if each[0] == "POST"]
        command = f"python -m clipdesk worker --on ray:auto --idle 5 --spool '{fleet.folder}'"
        assert job == {"entrypoint": command, "submission_id": fleet.job}
        relay = Relay(fleet.folder, lambda: ToyFleet(lambda _: Pages()), pace=QUICK)
        thread = threading.Thread(target=relay.run)
        thread.start()
        while not fleet.places():
            fleet.receive(0.1)
        assert [place.partition(" ")[0] for place in fleet.places()] == ["one", "two"]
    thread.join(20)
    assert not thread.is_alive()
    assert ray.asked[-1][:2] == ("POST", f"/api/jobs/{fleet.job}/stop")


def test_a_job_that_cannot_be_stopped_is_named(ray: Ray, tmp_path: Path) -> None:
    said: list[str] = []
    fleet = RayJobFleet(RayAddress(ray.url, tmp_path), tell=said.append, environment=TOKEN, pace=QUICK)
    ray.body = b"<html>Bad gateway</html>"
    fleet.close()
    why = f"There is no Ray at {ray.url}: something else answers"
    assert said[1:] == [f"Ray's job {fleet.job} was not stopped, and ends by itself: {why}"]


def test_the_folder_may_have_another_path_in_the_cluster(ray: Ray, tmp_path: Path) -> None:
    address = RayAddress(ray.url, tmp_path, "/mnt/shared/")
    with closing(RayJobFleet(address, environment=TOKEN, pace=QUICK)) as fleet:
        assert ray.asked[-1][2]["entrypoint"].endswith(f"--spool /mnt/shared/{fleet.folder.parent.name}/spool")


def test_a_job_that_has_ended_is_not_waited_for(ray: Ray, tmp_path: Path) -> None:
    ray.status = "FAILED"
    fleet = RayJobFleet(RayAddress(ray.url, tmp_path), environment=TOKEN, pace=QUICK)
    problem = f"Ray's job {fleet.job} has ended. Its last line: Error: no room"
    with closing(fleet), pytest.raises(NoWorkersError, match=problem):
        awaited(fleet)


def test_a_ray_that_does_not_answer_for_a_while_is_waited_for(ray: Ray, tmp_path: Path) -> None:
    with closing(RayJobFleet(RayAddress(ray.url, tmp_path), environment=TOKEN, pace=QUICK)) as fleet:
        ray.body = b"<html>Bad gateway</html>"
        assert awaited(fleet) == f"Waiting for Ray's job {fleet.job}: Ray does not answer"


@pytest.mark.parametrize(
    ("environment", "problem"),
    [({}, "asks for a token. Set RAY_AUTH_TOKEN"), ({"RAY_AUTH_TOKEN": "guess"}, "does not take this token")],
)
def test_a_stranger_is_turned_away_in_one_line_and_nothing_is_begun(
    ray: Ray, tmp_path: Path, environment: dict[str, str], problem: str
) -> None:
    with pytest.raises(UsageError, match=f"The Ray at {ray.url} {problem}"):
        RayJobFleet(RayAddress(ray.url, tmp_path / "spools"), environment=environment, pace=QUICK)
    assert not (tmp_path / "spools").exists()
    assert all(method == "GET" for method, _, _ in ray.asked)


def test_a_job_that_is_refused_leaves_no_head(ray: Ray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = RayJobs.ask

    def refuse(jobs: RayJobs, method: str, path: str, said: Mapping[str, object] | None = None) -> dict[str, object]:
        if method == "POST":
            raise ClipDeskError("no more jobs")
        return ask(jobs, method, path, said)

    monkeypatch.setattr(RayJobs, "ask", refuse)
    with pytest.raises(ClipDeskError, match="no more jobs"):
        RayJobFleet(RayAddress(ray.url, tmp_path), environment=TOKEN, pace=QUICK)
    (spool,) = tmp_path.glob("*/spool")
    assert read_beat(spool / "head")["over"] is True


def test_what_is_no_ray_or_is_not_there_is_said(ray: Ray) -> None:
    ray.body = b"<html>It works!</html>"
    with pytest.raises(ClipDeskError, match=f"There is no Ray at {ray.url}: something else answers"):
        RayJobs(RayAddress(ray.url), "secret")
    closed = Ray()
    closed.server_close()
    with pytest.raises(ClipDeskError, match=f"The Ray at {closed.url} cannot be reached: no connection to 127.0.0.1"):
        RayJobs(RayAddress(closed.url), "secret")


def test_through_the_network_only_a_ray_that_turns_strangers_away_gets_jobs(
    ray: Ray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_jobs, "is_loopback", lambda _: False)
    with pytest.raises(UsageError, match="Without a token nothing is sent to http://127"):
        RayJobs(RayAddress(ray.url), "")
    assert ray.asked == []
    RayJobs(RayAddress(ray.url), "secret")
    ray.token = ""
    with pytest.raises(UsageError, match=f"The Ray at {ray.url} lets in everybody who reaches it. Start it"):
        RayJobs(RayAddress(ray.url), "secret")


def test_the_token_is_where_rays_own_tools_have_it(tmp_path: Path) -> None:
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("at home\n")
    (tmp_path / "named").write_text(" named ")
    assert token_in({}, tmp_path) == ""
    assert token_in({"RAY_AUTH_MODE": "token"}, tmp_path) == "at home"
    assert token_in({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "named")}, tmp_path) == "named"
    assert token_in({"RAY_AUTH_TOKEN": "said", "RAY_AUTH_TOKEN_PATH": "x"}, tmp_path) == "said"
    with pytest.raises(UsageError, match=r"Ray's token cannot be read from .*missing"):
        token_in({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "missing")}, tmp_path)


@pytest.mark.parametrize("token", ["secret\nsecret", "secret\rX-Other: 1", "s\u00e9cret", "secret\0"])
def test_what_is_no_token_is_refused_without_being_shown(tmp_path: Path, token: str) -> None:
    (tmp_path / "named").write_text(token)
    for said in ({"RAY_AUTH_TOKEN": token}, {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "named")}):
        with pytest.raises(UsageError, match=r"no token of Ray's: a token is one line of ASCII") as error:
            token_in(said, tmp_path)
        assert "cret" not in str(error.value)


def test_addresses_are_read() -> None:
    assert ray_address("http://127.0.0.1:8265/").url == "http://127.0.0.1:8265"
    found = ray_address("https://ray.lab,folder=/shared/a,b,there=/mnt/a")
    assert found == RayAddress("https://ray.lab", Path("/shared/a,b"), "/mnt/a")
    assert found.host == "ray.lab"
    assert ray_address("http://[::1]:8265").host == "::1"


@pytest.mark.parametrize(
    "text", ["http://", "http:8265", "https://me:secret@ray.lab", "http://x,folder=", "http://x/?a=b", "http://[x"]
)
def test_addresses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no address of Ray's jobs\. Write --on ray:http:"):
        ray_address(text)


@contextmanager
def real_ray(token: str) -> Iterator[str]:
    """A node that asks for a token; its address."""
    with Ray() as one, Ray() as other:
        port, jobs = str(one.server_port), str(other.server_port)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = [
        sys.executable,
        "-m",
        "ray.scripts.scripts",
        "start",
        "--head",
        "--block",
        "--node-ip-address",
        "127.0.0.1",
    ]
    command += ["--port", port, "--dashboard-host", "127.0.0.1", "--dashboard-port", jobs, "--num-cpus", "1"]
    with (
        # Ray's sockets have to have short names.
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder,
        subprocess.Popen([*command, "--temp-dir", folder], env=environment, stdout=subprocess.DEVNULL) as process,
    ):
        try:
            yield f"http://127.0.0.1:{jobs}"
        finally:
            process.terminate()


@needs_dashboard
def test_a_real_ray_turns_strangers_away_and_lends_its_workers_to_who_has_the_token(tmp_path: Path) -> None:
    with real_ray("a-long-and-secret-token") as url:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                RayJobs(RayAddress(url), "a-long-and-secret-token")
                break
            except ClipDeskError:
                time.sleep(0.5)
        for token, problem in (("", "asks for a token"), ("guess", "does not take this token")):
            with pytest.raises(UsageError, match=problem):
                RayJobs(RayAddress(url), token)
        environment = {"RAY_AUTH_TOKEN": "a-long-and-secret-token"}
        with closing(RayJobFleet(RayAddress(url, tmp_path), environment=environment)) as fleet:
            until = time.monotonic() + 120
            while not fleet.places() and time.monotonic() < until:
                fleet.awaited()
                fleet.receive(1.0)
            assert fleet.places()[0].startswith("worker 1 of node ")
