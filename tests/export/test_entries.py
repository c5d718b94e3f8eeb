import io
import json
from collections.abc import Mapping

import pytest

from clipdesk.export.entries import EntryReader, OtherFormError, entry_of, write_entries

HEAD = {"version": 1, "model": 'a "units": {} [b].pt'}
UNITS = {3: {"file": "a\n.png", "deep": {"x": [1, {"y": {}}]}, "none": []}, 1: {"file": "é"}}
EARLIER = {3: [{"file": "b"}, {"file": "c", "deep": {"x": 1}}]}


def written(units: Mapping[int, object], earlier: Mapping[int, object]) -> bytes:
    file = io.BytesIO()
    entries = [
        [(index, entry_of(json.dumps(each, indent=2).encode())) for index, each in part.items()]
        for part in (units, earlier)
    ]
    write_entries(file, json.dumps(HEAD, indent=2).encode(), *entries)
    return file.getvalue()


@pytest.mark.parametrize("units", [{}, UNITS])
@pytest.mark.parametrize("earlier", [{}, EARLIER])
def test_a_file_is_read_as_it_was_written(units: Mapping[int, object], earlier: Mapping[int, object]) -> None:
    text = written(units, earlier)
    assert text.decode() == json.dumps({**HEAD, "units": units, "earlier": earlier}, indent=2)
    reader = EntryReader(io.BytesIO(text))
    assert json.loads(reader.head) == HEAD
    read_units, read_earlier = list(reader.units()), list(reader.earlier())
    assert {index: json.loads(each) for index, each in read_units} == units
    assert {index: json.loads(each) for index, each in read_earlier} == earlier
    again = io.BytesIO()
    write_entries(again, json.dumps(HEAD, indent=2).encode(), read_units, read_earlier)
    assert again.getvalue() == text


def test_a_file_of_an_older_version_has_no_earlier_records() -> None:
    text = json.dumps({**HEAD, "units": UNITS}, indent=2).encode()
    reader = EntryReader(io.BytesIO(text))
    assert [index for index, _ in reader.units()] == [3, 1]
    assert list(reader.earlier()) == []


def test_a_file_that_is_cut_off_anywhere_is_refused() -> None:
    text = written(UNITS, EARLIER)
    for length in range(len(text)):
        with pytest.raises(OtherFormError):
            read(text[:length])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 100_000,
        b'{"version": 1, "units": {}}',
        json.dumps({**HEAD, "units": UNITS}, indent=4).encode(),
        json.dumps({"units": UNITS, **HEAD}, indent=2).encode(),
        json.dumps({**HEAD, "earlier": {}, "units": UNITS}, indent=2).encode(),
        written(UNITS, EARLIER) + b"x",
        written(UNITS, EARLIER) + b"\n",
        written(UNITS, EARLIER).replace(b'"3"', b'"x"'),
    ],
)
def test_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(OtherFormError):
        read(text)


def read(text: bytes) -> None:
    reader = EntryReader(io.BytesIO(text))
    list(reader.units())
    list(reader.earlier())
