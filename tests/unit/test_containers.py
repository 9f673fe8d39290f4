"""Every container gives the same records, and whatever the bytes are, reading them ends well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers.container import Found, Rejected, records
from cqtui.importers.progress import Progress


def written(folder: Path, content: bytes, name: str = "log.jsonl") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def only(path: Path) -> Found | Rejected:
    (item,) = records(path)
    return item


@pytest.mark.parametrize(
    ("line", "value", "warned"),
    [
        (b'{"a": 1}', {"a": 1}, ()),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}, ()),
        (b'\0\0\0{"a": 1}\0', {"a": 1}, ()),
        (b'{"a": NaN}', {"a": None}, ("not a finite number, read as unknown",)),
        (b'{"a": 1e400}', {"a": None}, ("not a finite number, read as unknown",)),
        (b'{"a": "\\ud83d"}', {"a": "\ufffd"}, ("lone surrogate replaced",)),
        (b'{"a": "x\x01y"}', {"a": "x\x01y"}, ()),
        (b'{"a": "caf\xe9"}', {"a": "caf\u00e9"}, ("not UTF-8, read as cp1252",)),
        (b'{"a": "\\u0000"}', {"a": "\0"}, ()),
    ],
)
def test_what_a_line_may_hold(tmp_path: Path, line: bytes, value: Any, warned: tuple[str, ...]) -> None:
    assert only(written(tmp_path, line)) == Found(value, 1, warned)


@pytest.mark.parametrize("depth", [99, 101, 1_000, 100_000])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(tmp_path: Path, depth: int, brackets: tuple[str, str]) -> None:
    line = brackets[0] * depth + "1" + brackets[1] * depth
    found = only(written(tmp_path, line.encode()))
    assert isinstance(found, Found if depth < 100 else Rejected)


def test_many_brackets_are_not_much_depth(tmp_path: Path) -> None:
    value = [{"a": [number]} for number in range(200)]
    assert only(written(tmp_path, json.dumps(value).encode())) == Found(value, 1)


def test_progress_is_in_bytes_on_disk_and_adds_up_over_files(tmp_path: Path) -> None:
    lines = b"".join(b'{"a": %d}\n' % number for number in range(100_000))
    first, second = written(tmp_path, lines, "a"), written(tmp_path, lines, "b")
    progress = Progress()
    seen = set()
    for count, _ in enumerate(records(first, progress)):
        if not count % 1000:
            seen.add(progress.bytes_read)
    assert len(seen) > 4
    assert progress.bytes_read == len(lines)
    assert list(records(second, progress))[-1].line == 100_000
    assert progress.bytes_read == 2 * len(lines)
