"""The command line, in process, in an empty folder."""

from pathlib import Path

import pytest

from clipdesk.cli import main


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


class Command:
    """Runs the command line in an empty folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path, checkpoint: Path) -> None:
        self._capsys = capsys
        self.folder = folder
        self._checkpoint = checkpoint

    def __call__(self, *arguments: str) -> Outcome:
        model = [str(self._checkpoint) if a == "SMALL" else a for a in arguments]
        with pytest.raises(SystemExit) as exit_:
            main(model)
        captured = self._capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), captured.out, captured.err)

    def files(self, below: str = "") -> list[str]:
        return sorted(path.name for path in (self.folder / below).rglob("*") if path.is_file())


@pytest.fixture
def clipdesk(
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    folder = tmp_path_factory.mktemp("work")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setattr("clipdesk.cli.entry.log_file", lambda: folder.parent / f"{folder.name}.log")
    return Command(capsys, folder, checkpoint)
