"""Files that commands write."""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from cqtui.errors import BadInputError


def write_file(path: Path, text: str) -> None:
    """Write a text as UTF-8, in folders that are made where they are missing.

    Raises:
        BadInputError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}.", "Name a file that can be written.") from None


def check_new(path: Path, *, replace: bool) -> None:
    """Make sure that a file may be written under a name.

    Raises:
        BadInputError: It is there already and may not be replaced, or it is no file.
    """
    if path.is_dir():
        raise BadInputError(f"{path}: a folder.", "Name a file.")
    if path.exists() and not path.is_file():
        raise BadInputError(f"{path}: not a regular file.", "Use - for stdout.")
    if os.path.lexists(path) and not replace:
        raise BadInputError(f"{path} is there already.", "Add --force to replace it, or name another file.")


@contextlib.contextmanager
def fresh_file(path: Path, *, replace: bool) -> Iterator[Callable[[bytes], object]]:
    """Writes a file, by what is given, that takes its name when it is whole; a name that ends in .gz is compressed.

    Raises:
        BadInputError: It is there already and may not be replaced, or it cannot be written.
    """
    check_new(path, replace=replace)
    target = Path(os.path.realpath(path))
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(unfinished, "xb") as raw:
            if path.suffix == ".gz":
                # Without name and time, equal content gives equal bytes.
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed:
                    yield packed.write
            else:
                yield raw.write
        check_new(path, replace=replace)
        os.replace(unfinished, target)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}.", "Name a file that can be written.") from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
