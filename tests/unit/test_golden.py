"""Comments and reports are what ``tests/data/golden`` holds; ``make golden`` writes them anew, to be looked at."""

from __future__ import annotations

import pytest

from tests.github_markdown import page
from tests.golden import FOLDER, GOLDEN


@pytest.mark.parametrize("name", GOLDEN)
def test_it_is_as_it_was(name: str) -> None:
    assert GOLDEN[name]() == (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_there_is_no_other() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_every_table_parses_and_nothing_is_linked(name: str) -> None:
    found = page((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    assert found.balanced
    assert not {"a", "img"} & set(found.tags)
    assert not found.linked_by_github()
    for table in found.tables:
        assert len({len(row) for row in table}) == 1
    assert "|---" not in found.prose
