"""Packages from npm that tests run, each installed once into a cache folder."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import platformdirs
import pytest

INSTALL_TIMEOUT_S = 300.0
# Read at import: tests run without CQTUI_* variables.
CACHE = Path(os.environ.get("CQTUI_TEST_CACHE") or platformdirs.user_cache_path("cqtui-tests"))


class NpmError(RuntimeError):
    """A package could not be installed."""


def missing_tools() -> list[str]:
    """What the machine lacks."""
    return [tool for tool in ("node", "npm") if shutil.which(tool) is None]


def require_node(purpose: str) -> None:
    """Without node and npm a test is skipped, except in CI, where it fails."""
    missing = missing_tools()
    if missing:
        reason = f"{purpose} needs node and npm; not found: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def installed(
    name: str, packages: Mapping[str, str], overrides: Mapping[str, str] | None = None, cache: Path = CACHE
) -> Path:
    """The folder of an installation, made on first use; safe to call from several processes at once.

    Args:
        name: What the folder is called; the versions are added.
        packages: Versions by package.
        overrides: Versions of packages that these ask for.
        cache: Where the folder lies.
    """
    pins = "-".join([*packages.values(), *(overrides or {}).values()])
    folder = cache.resolve() / f"{name}-{pins}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():  # it is renamed into place when complete
            _install(folder, {"private": True, "dependencies": dict(packages), "overrides": dict(overrides or {})})
    return folder


def _install(folder: Path, package: Mapping[str, object]) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    (partial / "package.json").write_text(json.dumps({"name": "cqtui-test", **package}), encoding="utf-8")
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=partial, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise NpmError(f"npm install took more than {INSTALL_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        raise NpmError(f"npm install failed with code {done.returncode}: {done.stderr[-2000:]}")
    partial.rename(folder)
