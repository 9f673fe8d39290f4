#!/usr/bin/env bash
# Installs this checkout of cqtui with exactly the packages of requirements.txt into an environment of its own.
set -euo pipefail
target="$RUNNER_TEMP/cqtui-python"
"$PYTHON" -m venv "$target"
python="$target/bin/python"
if [ ! -x "$python" ]; then python="$target/Scripts/python.exe"; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
"$python" -m pip install --quiet --require-hashes --only-binary :all: --requirement "$ACTION_FOLDER/action/requirements.txt"
"$python" -m pip install --quiet --no-deps --no-build-isolation "$ACTION_FOLDER"
echo "python=$python" >>"$GITHUB_OUTPUT"
