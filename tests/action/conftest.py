"""The action as a runner would have it: installed once from this checkout, hashes and all."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.action.runner import ROOT, read_outputs


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment that ``install.sh`` makes; made once for all workers.

    It runs in a checkout whose files try to be imported in place of the real ones.
    """
    folder = tmp_path_factory.getbasetemp().parent / "cqtui-action"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        output = folder / "output"
        if not output.is_file():
            hostile = folder / "checkout"
            hostile.mkdir()
            for name in ("venv.py", "pip.py", "cqtui.py", "site.py", "hatchling.py"):
                trap = f"open({str(folder / 'executed')!r}, 'a').write({name!r})\n"
                (hostile / name).write_text(trap, encoding="utf-8")
            written = folder / "partial"
            written.touch()
            environment = {
                **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))},
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": str(folder),
                "PYTHON": sys.executable,
                "ACTION_FOLDER": str(ROOT),
                "RUNNER_TEMP": str(folder),
                "GITHUB_OUTPUT": str(written),
            }
            done = subprocess.run(
                ["bash", str(ROOT / "action" / "install.sh")],
                cwd=hostile,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            assert not (folder / "executed").exists(), "a file of the checkout was run"
            written.rename(output)
    return Path(read_outputs(output.read_text(encoding="utf-8"))["python"])
