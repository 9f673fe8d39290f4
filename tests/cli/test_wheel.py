"""The built wheel, installed elsewhere: it brings its own data and runs from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=120)
    (built,) = folder.glob("cqtui-*.whl")
    return built


def test_it_brings_its_data_and_nothing_of_the_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "cqtui/py.typed",
        "cqtui/_data/models.toml",
        "cqtui/_data/templates/report.md.j2",
        "cqtui/_data/templates/report.html.j2",
        "cqtui/_data/templates/judge/pointwise.md.j2",
        "cqtui/_data/examples/support-desk/cqtui.toml",
        "cqtui/_data/examples/support-desk/logs/october.jsonl",
        "cqtui/checks/refusals.toml",
        "cqtui/gateway/translate.toml",
        "cqtui/web/page/index.html",
        "cqtui/web/page/page.css",
        "cqtui/web/page/page.js",
    ):
        assert wanted in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]


def test_the_demo_runs_from_a_folder_with_spaces_and_other_letters(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "Paket Größe 日本"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
        timeout=120,
    )
    work = tmp_path / "mon dossier été"
    work.mkdir()
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("CQTUI_")}
    surroundings["PYTHONPATH"] = str(site)
    where = [sys.executable, "-c", "import cqtui; print(cqtui.__file__)"]
    found = subprocess.run(
        where, cwd=work, env=surroundings, capture_output=True, text=True, encoding="utf-8", check=True, timeout=60
    )
    assert Path(found.stdout.strip()).is_relative_to(site)
    done = subprocess.run(
        [sys.executable, "-m", "cqtui", "demo", "--json", "--markdown", "bericht ü.md"],
        cwd=work,
        env=surroundings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["provider"] == "rehearsal"
    assert (work / "bericht ü.md").read_text(encoding="utf-8").startswith("> **Rehearsal")
    assert list(work.glob("*.db")) == []
