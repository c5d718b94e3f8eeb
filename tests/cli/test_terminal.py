"""Hostile names and texts on the terminal, and output that cannot be written."""

import io
import json
import logging
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from clipdesk.activations.surveying import SurveyProgress
from clipdesk.cli import entry
from clipdesk.cli.bars import Bar, SurveyBar, make_console
from clipdesk.cli.output import say, say_json, say_lines, say_path
from clipdesk.cli.terminal import show
from clipdesk.export.png import save_png
from clipdesk.jobs.job import Job
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Text, Unit
from tests.cli.conftest import Command
from tests.conftest import VIT_LAYER
from tests.recipes import make_recipe

PIXELS = np.zeros((32, 32, 3), dtype=np.uint8)
HOSTILE = "a\x1b]0;title\x07\x1b[2J\u202e\x9b31m\nb"
ESCAPED = r"a\x1b]0;title\x07\x1b[2J\u202e\x9b31m\nb"
MARKUP = ("[/b] star", "[old]", "x[/red]", "[bold]cats.npy", "[link=http://x]a[/link]", "\\[a]", ":star:")

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names and devices")


def is_clean(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output and error output are a terminal."""
    # Of the class, since pytest puts the streams in place once more before the test.
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(type(stream), "isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("LINES", "50")
    monkeypatch.setenv("TERM", "dumb")


def test_everything_that_is_not_printable_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    say(HOSTILE, err=True)
    say_lines("one\ntwo\x1b")
    say_json({"a": "\x1b\x7f\x9b\u202e\ud800"})
    found = capsys.readouterr()
    assert found.err == f"{ESCAPED}\n"
    assert found.out.startswith(f"{ESCAPED}\none\ntwo\\x1b\n")
    assert is_clean(found.out)
    assert json.loads(found.out.split("\n", 3)[3])["a"] == "\x1b\x7f\x9b\u202e\ud800"


def test_french_file_names_and_emoji_are_no_attack(capsys: pytest.CaptureFixture[str]) -> None:
    say("Capture\u202f12\u00a0h \U0001f469\u200d\U0001f680 \u05e9\u05dc\u05d5\u05dd")
    assert capsys.readouterr().out == "Capture\u202f12\u00a0h \U0001f469\u200d\U0001f680 \u05e9\u05dc\u05d5\u05dd\n"


@pytest.mark.parametrize("name", [*MARKUP, HOSTILE])
def test_names_in_tables_are_not_markup(terminal: None, capsys: pytest.CaptureFixture[str], name: str) -> None:
    show([{"name": name}], key="name", title=name, as_json=False)
    out = capsys.readouterr().out
    assert out.count(name if name in MARKUP else ESCAPED) == 2
    assert is_clean(out)


def test_names_are_not_folded_on_a_narrow_terminal(
    terminal: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    row = {"name": "demo-scenes-5000-80750797eb6a3cd6", **{f"a number {i}": 0.123456 for i in range(9)}, "none": None}
    show([row], key="name", title="Surveys", as_json=False)
    out = capsys.readouterr().out
    assert "demo-scenes-5000-80750797eb6a3cd6" in out
    first = next(line for line in out.splitlines() if "5000" in line)
    assert first.count("│") == 12, "no column is cut off"
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(("columns", "away"), [(72, ["three"]), (40, ["two", "three", "four"])])
def test_columns_that_have_no_room_are_left_out_and_named(
    terminal: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int, away: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    row = {"name": "demo-scenes-5000-80750797", "two": "a" * 12, "three": "b" * 30, "four": 1.0, "five": 2}
    show([row], key="name", title="Rows", as_json=False, optional=("three", "two", "four"))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    assert f"A wider terminal, or --json, also shows: {', '.join(away)}" in " ".join(out.split())
    head = next(line for line in out.splitlines() if "name" in line)
    assert [name for name in row if name not in head] == away
    monkeypatch.setenv("COLUMNS", "120")
    show([row], key="name", title="Rows", as_json=False, optional=("three", "two", "four"))
    assert "A wider terminal" not in capsys.readouterr().out


def test_optional_columns_without_a_value_are_left_out(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"one": None, "two": "dense"}
    rows: list[dict[str, object]] = [{"name": name, "caption": "", "note": note} for name, note in names.items()]
    show(rows, key="name", title="Rows", as_json=False, optional=("caption", "note"))
    out = capsys.readouterr().out
    assert "note" in out
    assert "caption" not in out


def test_lines_in_a_pipe_have_tabs_between_values_only(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"a": "x\ty", "b": None, "c": 1.5}], key=("a", "b", "c"), title="", as_json=False)
    assert capsys.readouterr().out == "x\\ty\t\t1.5\n"


@pytest.mark.parametrize("name", [*MARKUP, HOSTILE])
def test_the_bar_of_a_survey_shows_speed_and_time_left(
    terminal: None, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with SurveyBar(1000, name) as bar:
        bar.update(SurveyProgress(500, 1000, 2.5, ()))
    err = capsys.readouterr().err
    assert "500/1000 2.5 pictures/s 0:03:20 left" in err
    assert (name if name in MARKUP else ESCAPED) in err
    assert is_clean(err)


def test_the_lines_of_a_survey_in_a_pipe_come_with_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with SurveyBar(1000, "photos") as bar:
        for done in range(50, 1001, 50):
            bar.update(SurveyProgress(done, 1000, 10.0, ()))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "100/1,000 pictures  10.0 pictures/s  0:01:30 left"


@pytest.mark.parametrize("name", [*MARKUP, HOSTILE])
def test_labels_of_bars_are_not_markup(terminal: None, capsys: pytest.CaptureFixture[str], name: str) -> None:
    with Bar(10, name) as bar:
        bar.update(5, 1.0, name)
    assert is_clean(capsys.readouterr().err.replace("\r", ""))


@pytest.mark.parametrize("text", ["[/b] star", HOSTILE])
def test_any_text_is_rendered_on_a_terminal(clipdesk: Command, terminal: None, text: str) -> None:
    outcome = clipdesk("render", "--model", "SMALL", "--text", text, "--iterations", "1", "--output", "x.png")
    assert (outcome.code, clipdesk.files()) == (0, ["x.png"])
    assert is_clean(outcome.out)


@pytest.mark.parametrize("name", MARKUP[:3])
def test_a_queue_of_hostile_names_is_listed(clipdesk: Command, terminal: None, name: str) -> None:
    targets: tuple[Target, ...] = (Text(text=name), Text(text=HOSTILE))
    store = JobStore(default_store())
    store.add(Job(model=name, targets=targets, settings=make_settings("draft")), clipdesk.folder / name)
    store.close()
    outcome = clipdesk("queue", "list")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count(name) == 3
    assert ESCAPED in clipdesk("queue", "show", "1").out


def test_a_hostile_recipe_is_shown_escaped(clipdesk: Command, terminal: None) -> None:
    recipe = make_recipe(Text(text=HOSTILE), model=HOSTILE).model_copy(update={"device": HOSTILE, "date": HOSTILE})
    save_png(PIXELS, clipdesk.folder / "x.png", recipe)
    for arguments in (["show", "x.png"], ["show", "x.png", "--json"], ["render", "--from", "x.png"]):
        outcome = clipdesk(*arguments)
        assert is_clean(outcome.out + outcome.err)
    save_png(PIXELS, clipdesk.folder / "x.png", make_recipe(Unit(layer=HOSTILE, index=1)))
    outcome = clipdesk("render", "--from", "x.png")
    assert outcome.err.startswith(f"Error: There is no layer '{ESCAPED}'")
    assert outcome.err.count("\n") == 1


def test_errors_of_wrong_use_are_escaped(clipdesk: Command) -> None:
    for arguments in (["\x1b[2J"], ["render", "--preset", "\x1b[2J"], ["layers", "--model", "\x1b[2J\n"]):
        outcome = clipdesk(*arguments)
        assert outcome.code == 2
        assert is_clean(outcome.err)
        assert r"\x1b[2J" in outcome.err


@linux_only
@pytest.mark.parametrize(
    "name", ["x" * 300, "x" * 4_000, "x/" * 2_500, os.fsdecode(b"\xff\xfe"), "a\nb", "../" * 2_000 + "x"]
)
def test_an_impossible_name_is_one_line(clipdesk: Command, name: str) -> None:
    save_png(PIXELS, clipdesk.folder / "x.png", make_recipe(model=name.encode(errors="replace").decode()[:4096]))
    short = ("--model", "SMALL", "--iterations", "1")
    for arguments in (
        ["layers", "--model", name],
        ["show", name],
        ["render", "--from", name],
        ["render", "--from", "x.png"],
        ["render", *short, "--text", "a", "--start", f"{name}/x"],
        ["render", *short, "--target", f"image:[{name}]"],
        ["page", name],
        ["sheet", name],
        ["curves", name],
        ["spectrum", name, "a.npy"],
    ):
        outcome = clipdesk(*arguments)
        assert outcome.code in (1, 2)
        assert outcome.err.startswith("Error: ")
        assert outcome.err.count("\n") == 1
        assert "Details are in" not in outcome.err
        assert is_clean(outcome.err)


@linux_only
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["layers", "--model", "x"],
        ["show", "x"],
        ["render", "--from", "x"],
        ["render", "--model", "SMALL", "--text", "a", "--start", "x"],
        ["render", "--model", "SMALL", "--target", "image:[x]"],
        ["render", "--model", "SMALL", "--target", f"{VIT_LAYER}:[x]"],
        ["render", "--model", "SMALL", "--text", "a", "--parameterization", "maco", "--spectrum", "x"],
        ["render", "--from", "named.png"],
    ],
)
def test_what_is_not_a_regular_file_is_never_waited_for(clipdesk: Command, kind: str, arguments: list[str]) -> None:
    if kind == "pipe":
        os.mkfifo("x")
    elif kind == "device":
        os.symlink("/dev/zero", "x")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("x")
    settings = make_settings("draft", start=str(clipdesk.folder / "x"))
    save_png(PIXELS, clipdesk.folder / "named.png", make_recipe(settings=settings))
    outcome = clipdesk(*arguments)
    assert outcome.code in (1, 2)
    assert "not a regular file" in outcome.err
    assert "a folder" not in outcome.err
    assert outcome.err.count("\n") == 1


@linux_only
def test_a_name_that_is_too_long_is_found_before_anything_is_rendered(clipdesk: Command) -> None:
    outcome = clipdesk("render", "--model", "SMALL", "--text", "a", "--output", f"{'x' * 300}.png")
    assert outcome.code == 2
    assert "at most 255 bytes" in outcome.err


@linux_only
def test_a_text_that_is_not_unicode_is_one_line(clipdesk: Command) -> None:
    outcome = clipdesk("render", "--model", "SMALL", "--text", os.fsdecode(b"\xff"))
    assert outcome.err == "Error: This text cannot be used: it is not Unicode (UTF-8)\n"


@linux_only
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", b"caf\xe9.png"], "--output: caf\\udce9.png is not Unicode (UTF-8)"),
        (["--start", b"caf\xe9.png"], "start: its name or that of its folder is not Unicode (UTF-8)"),
        (["--spectrum", b"caf\xe9.npy"], "spectrum: its name or that of its folder is not Unicode (UTF-8)"),
    ],
)
def test_a_file_whose_name_is_not_unicode_is_refused_in_one_line(
    clipdesk: Command, arguments: list[str | bytes], said: str
) -> None:
    outcome = clipdesk("render", "--model", "SMALL", "--text", "a", *map(os.fsdecode, arguments))
    assert outcome.code == 2
    assert outcome.err.startswith(f"Error: {said}")
    assert outcome.err.count("\n") == 1


@linux_only
def test_a_folder_whose_name_is_not_unicode_is_rendered_to(tmp_path: Path, checkpoint: Path) -> None:
    model, folder = ["--model", str(checkpoint), "--iterations", "1", "--size", "64"], os.fsdecode(b"caf\xe9")
    batch = ["batch", *model, "--layer", VIT_LAYER, "--neuron-range", "0", "2", "1", "--output-dir", folder]
    written, again, listed, *_ = _outputs(
        tmp_path,
        *(batch, batch, ["queue", "list", "--json"], ["queue", "show", "1"]),
        *(["render", *model, "--text", "a", "--output", folder], ["page", folder]),
    )
    assert b"/caf\xe9/neuron_0" in written
    assert b"2 skipped" in again
    assert rb"caf\udce9" in listed
    assert len(list((tmp_path / folder).glob("*.png"))) == 3


def _outputs(folder: Path, *commands: list[str]) -> list[bytes]:
    """The bytes that each command writes, one after another in a process of their own: torch is loaded once."""
    script = (
        "import os, sys\n"
        "from clipdesk.cli import main\n"
        "for line in sys.argv[1:]:\n"
        "    try:\n"
        "        main(line.split('\\n'))\n"
        "    except SystemExit as end:\n"
        "        if end.code: raise\n"
        "    sys.stdout.flush()\n"
        "    os.write(1, b'\\0')\n"
    )
    command = [sys.executable, "-c", script, *("\n".join(each) for each in commands)]
    environment = {**os.environ, "CLIPDESK_DATA": str(folder / "data")}
    ended = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    assert ended.returncode == 0, ended.stdout
    *outputs, rest = ended.stdout.split(b"\0")
    assert (len(outputs), rest) == (len(commands), b"")
    return outputs


@linux_only
def test_a_path_in_a_pipe_is_the_very_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="utf-8"))
    say_path(Path(os.fsdecode(b"caf\xe9")))
    assert raw.getvalue() == b"caf\xe9\n"


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device"), ValueError("closed")])
def test_output_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise error

    monkeypatch.setattr("sys.stdout", Broken())
    monkeypatch.setattr("sys.stderr", Broken())
    say("a")
    say_json({})
    say_path(Path("a"))
    make_console(err=True).print("a")
    with Bar(1, "a") as bar:
        bar.update(1, 1.0)


def test_closed_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    say("a")
    say_path(Path("a"))
    show([{"name": "a"}], key="name", title="a", as_json=False)
    with Bar(1, "a") as bar:
        bar.update(1, 1.0)


@linux_only
@pytest.mark.parametrize("redirection", ["| head -n 1", "> /dev/full", "2> /dev/full", ">&- 2>&- <&-", "| true"])
def test_a_batch_goes_on_whatever_becomes_of_its_output(tmp_path: Path, checkpoint: Path, redirection: str) -> None:
    command = (
        f"{sys.executable} -m clipdesk batch --model {checkpoint} --layer {VIT_LAYER} --neuron-range 0 6 1 "
        f"--iterations 1 --size 64 --output-dir {tmp_path}/out"
    )
    environment = {**os.environ, "CLIPDESK_DATA": str(tmp_path / "data")}
    ended = subprocess.run(
        ["bash", "-c", f"{{ {command}; echo $? > {tmp_path}/code; }} {redirection}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (tmp_path / "code").read_text() == "0\n"
    assert len(list((tmp_path / "out").glob("*.png"))) == 6
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@linux_only
@pytest.mark.parametrize("log", ["/dev/full", "/proc/none/a.log", "/dev/null/a.log"])
def test_a_log_that_cannot_be_written_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: str
) -> None:
    logger = logging.getLogger("clipdesk")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(entry, "log_file", lambda: Path(log))
    entry._log_to_file()
    for name in ("clipdesk", "clipdesk.jobs.store", "elsewhere"):
        try:
            raise RuntimeError("wrong")
        except RuntimeError:
            logging.getLogger(name).exception("unexpected \ud800")
    assert capsys.readouterr() == ("", "")
    for handler in logger.handlers:
        with suppress(OSError):
            handler.close()
