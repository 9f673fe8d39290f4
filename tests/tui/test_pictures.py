"""The README's pictures are those of the app as it is."""

from __future__ import annotations

import pytest

from tests.tui.pictures import FOLDER, SCENES, drawn


@pytest.mark.parametrize("name", SCENES)
async def test_a_picture_is_current(name: str) -> None:
    kept = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert await drawn(name) == kept, "The app looks otherwise now: make pictures, and look at them."


def test_the_readme_shows_them_all() -> None:
    readme = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    for name in SCENES:
        assert f"docs/pictures/{name}.svg" in readme
