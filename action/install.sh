#!/usr/bin/env bash
# Installs this checkout of cqtui with exactly the packages of requirements.txt into an environment of its own.
set -euo pipefail
target="$RUNNER_TEMP/cqtui-python"
# -I: the job's folder is the checkout, where a file venv.py or pip/ of a pull request would be found first
"$PYTHON" -I -m venv "$target"
python="$target/bin/python"
if [ ! -x "$python" ]; then python="$target/Scripts/python.exe"; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
"$python" -I -m pip install --quiet --require-hashes --only-binary :all: --requirement "$ACTION_FOLDER/action/requirements.txt"
"$python" -I -m pip install --quiet --no-deps --no-build-isolation "$ACTION_FOLDER"
echo "python=$python" >>"$GITHUB_OUTPUT"
