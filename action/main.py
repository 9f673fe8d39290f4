"""The action: settles what to check, runs the ``cqtui`` command, and says what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from action.checks import Check, inside, settle
from action.github import GitHub, GitHubError
from action.inputs import SECRETS, InputError, Inputs, Runner, read_inputs, read_runner
from action.reporting import annotation, foreign, mask, write_outputs, write_summary

LARGEST_COMMENT = 60_000  # bytes; GitHub takes 65,536 characters
SMALLER = (60_000, 20_000, 4_096)
LARGEST_RESULT = 5_000_000
FAILED, BAD_INPUT, MET = 1, 2, 3

Command = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]
Say = Callable[[str], None]


@dataclass
class Found:
    """What a run came to: the command's JSON, its exit code, and what was posted."""

    response: Mapping[str, Any] = field(default_factory=dict)
    code: int = 0
    problem: str = ""
    report: str = ""
    comment_id: str = ""
    is_posted: bool = False


class Action:
    """One run of the action."""

    def __init__(
        self, inputs: Inputs, runner: Runner, environment: Mapping[str, str], github: GitHub, cqtui: Command, say: Say
    ) -> None:
        """Join what the workflow says with ways to GitHub, to the command and to the job's log."""
        self._inputs = inputs
        self._runner = runner
        self._environment = environment
        self._github = github
        self._cqtui = cqtui
        self._say = say
        self._folder = Path(tempfile.mkdtemp(prefix="cqtui-", dir=runner.temp if runner.temp.is_dir() else None))

    def run(self) -> int:
        """Check, comment, summarise; gives the exit code."""
        inputs = self._inputs
        if inputs.post_result:
            return self._post_result()
        check = settle(inputs, self._runner, self._github)
        self._say(check.reason)
        if check.kind == "nothing":
            return self._conclude(check, Found(), self._message(check.reason))
        if not check.logs:
            return self._conclude(check, Found(), self._message("No log was found: nothing was checked."))
        provider, why = self._provider()
        if why:
            self._say(annotation("notice", why))
        found = self._optimize(check, provider, is_fallback=bool(why) and inputs.dry_run != "true")
        if found.problem:
            return self._conclude(check, found, self._message(found.problem, is_problem=True))
        if provider == "dry":
            return self._conclude(check, found, self._message(_estimate_words(found.response, why)))
        return self._conclude(check, found, None, why)

    def _provider(self) -> tuple[str, str]:
        """Who answers, and what a reader should know of it; ``dry`` is nobody.

        Raises:
            InputError: A live run without a budget, or in a workflow that runs a stranger's pull request with secrets.
        """
        inputs = self._inputs
        if inputs.dry_run == "true":
            return "dry", "A dry run, as the workflow asks for."
        if inputs.provider != "portkey":
            return inputs.provider, ""
        if not (inputs.portkey_api_key or inputs.portkey_base_url):
            what = "There is no key here (a fork's pull request has no secrets): nothing was called."
            return (
                ("recorded", f"{what} The answers are from the base branch's recording.")
                if inputs.recording
                else ("dry", what)
            )
        if self._runner.event_name == "pull_request_target" and inputs.allow_pull_request_target != "true":
            raise InputError(
                "Under pull_request_target a stranger's logs would be replayed with your key. Use pull_request, or set "
                "allow-pull-request-target: true where you have read what that means."
            )
        if not inputs.budget_usd:
            raise InputError("budget-usd is required where models are called: the most that one run may spend, in USD.")
        return "portkey", ""

    def _optimize(self, check: Check, provider: str, *, is_fallback: bool) -> Found:
        """Run the command on the log; the store takes no text, and believes only what it sealed itself."""
        inputs, target = self._inputs, self._folder / "response.json"
        arguments = ["optimize", *(str(path) for path in check.logs), "--yes", "--display", "plain"]
        arguments += ["--json-file", str(target), "--result-file", str(self._folder / "result.json")]
        arguments += ["--markdown", str(self._folder / "report.md")]
        if inputs.excerpts != "true":
            arguments.append("--no-keep-text")
        if provider == "dry":
            arguments += ["--dry-run", "--json"]
        else:
            arguments += ["--provider", provider]
        if provider == "portkey":
            arguments += ["--sealed-store"]
        if check.config is not None:
            arguments += ["--config", str(check.config)]
        recording = self._recording() if provider == "recorded" else None
        switch = check.switch
        for option, value in (
            ("--profile", inputs.profile),
            ("--current-model", switch[0] if switch else ""),
            ("--candidates", switch[1] if switch else inputs.candidates),
            ("--judge", inputs.judge),
            ("--guardrails", inputs.guardrails),
            ("--budget-usd", inputs.budget_usd),
            ("--max-samples", inputs.max_samples),
            ("--quality-margin", inputs.quality_margin),
            ("--as-of", inputs.as_of),
            ("--base-url", inputs.portkey_base_url if provider == "portkey" else ""),
            ("--recording", str(recording) if recording is not None else ""),
            ("--fail-on", "never" if is_fallback else inputs.fail_on),
            ("--write-report", self._report_folder()),
        ):
            if value:
                arguments.append(f"{option}={value}")
        done = self._cqtui(arguments)
        self._say(foreign(done.stderr.rstrip()))
        if done.returncode not in (0, MET, 130):
            problem = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("cqtui: ")), "")
            return Found(
                code=done.returncode, problem=problem.removeprefix("cqtui: ") or "The run failed; see its log."
            )
        text = done.stdout if provider == "dry" else target.read_text(encoding="utf-8")
        report = self._folder / "report.md"
        return Found(json.loads(text), done.returncode, report=str(report) if report.is_file() else "")

    def _report_folder(self) -> str:
        """Where the report to commit goes; a pull request's run commits nothing."""
        if not self._inputs.write_report or self._runner.pull_request is not None:
            return ""
        return str(inside(self._runner.workspace, self._runner.workspace / self._inputs.write_report))

    def _recording(self) -> Path:
        """The recording: in a pull request the base branch's, for one that it brings could say anything."""
        path = inside(self._runner.workspace, self._runner.workspace / self._inputs.recording)
        pull = self._runner.pull_request
        if pull is None:
            return path
        content = self._github.file_at(path.relative_to(self._runner.workspace).as_posix(), str(pull["base"]["sha"]))
        if content is None:
            raise InputError(f"The base branch has no recording {self._inputs.recording}.")
        target = self._folder / "recording.jsonl"
        target.write_bytes(content)
        return target

    # What is said

    def _comment(self, check: Check, found: Found, note: str, limit: int) -> str:
        # Not out of the store: whoever may write it could have put a trigger there that changes what is read again.
        result = self._folder / "result.json"
        arguments = ["report", f"--from-file={result}", "--format", "comment", f"--max-bytes={limit}"]
        if check.switch is not None:
            arguments += [f"--switch-from={check.switch[0]}", f"--switch-to={check.switch[1]}"]
        if self._inputs.excerpts == "true":
            arguments.append("--excerpts")
        arguments += [f"--note={each}" for each in (note, *check.notes) if each]
        return self._text([*arguments, *self._marks()])

    def _message(self, text: str, *, is_problem: bool = False) -> str:
        option = "--problem" if is_problem else "--nothing"
        return self._text(["report", "--format", "comment", f"{option}={text}", *self._marks()])

    def _marks(self) -> list[str]:
        pull = self._runner.pull_request
        run = self._runner.event.get("workflow_run") or {}
        commit = str(pull["head"]["sha"]) if pull is not None else str(run.get("head_sha") or self._runner.sha)
        marks = [f"--comment-key={self._inputs.comment_key}", f"--commit={commit}"]
        return marks if self._shows_money else [*marks, "--hide-money"]

    @property
    def _shows_money(self) -> bool:
        choice = self._inputs.show_money
        return self._runner.is_private if choice == "auto" else choice == "true"

    def _text(self, arguments: Sequence[str]) -> str:
        done = self._cqtui(arguments)
        if done.returncode != 0:
            raise InputError(done.stderr.strip() or "The report could not be made.")
        return done.stdout

    def _conclude(self, check: Check, found: Found, message: str | None, note: str = "") -> int:
        """Post, summarise, annotate, and set every output."""
        text = message if message is not None else self._comment(check, found, note, LARGEST_COMMENT)
        pull = self._runner.pull_request
        if pull is not None and self._inputs.comment != "off":
            shorter = None if message is not None else (lambda limit: self._comment(check, found, note, limit))
            self._post(int(pull["number"]), text, found, shorter, only_update=check.kind == "nothing")
        write_summary(self._runner.summary_file, text)
        self._annotate(check, found)
        write_outputs(self._runner.output_file, _outputs(check, found, money=self._shows_money))
        return found.code

    def _post(
        self, number: int, text: str, found: Found, shorter: Callable[[int], str] | None, *, only_update: bool = False
    ) -> None:
        """Keep the comment current; where the token may not write, the summary has it all, and that is no failure."""
        marker = text.partition("\n")[0]
        always_new = self._inputs.comment == "new"
        for limit in SMALLER:
            body = text if limit == SMALLER[0] or shorter is None else shorter(limit)
            try:
                posted = self._github.post(
                    number, body, marker, always_new=always_new and not only_update, only_update=only_update
                )
            except GitHubError as error:
                if error.status == 422 and shorter is not None and limit != SMALLER[-1]:
                    continue
                self._say(
                    annotation("notice", f"The comment could not be written ({error}). The job's summary has it.")
                )
                return
            if posted is None:
                return
            found.comment_id, found.is_posted = str(posted.id), True
            self._say(f"Comment {posted.how}.")
            return

    def _annotate(self, check: Check, found: Found) -> None:
        config = (PurePosixPath(self._inputs.working_directory) / self._inputs.config).as_posix()
        if found.problem:
            self._say(annotation("error", found.problem))
        elif check.switch is not None and check.switch_line is not None:
            level = "error" if found.code == MET else "notice"
            summary = str(found.response.get("summary", ""))
            self._say(annotation(level, summary, file=config, line=check.switch_line))

    # The second half of a fork's pull request

    def _post_result(self) -> int:
        """Post what another workflow computed without secrets.

        Its artifact is a stranger's data: size and shape are checked, the text is made anew from its figures, and
        nothing in it is called verified.
        """
        path = Path(self._inputs.post_result).resolve()  # the command runs in a folder of its own
        if path.stat().st_size > LARGEST_RESULT:
            raise InputError(f"post-result: larger than {LARGEST_RESULT // 1_000_000} MB.")
        number = self._number()
        if number is None:
            self._say(annotation("notice", "No open pull request stands at this run's commit: nothing was posted."))
            write_outputs(self._runner.output_file, _outputs(Check("nothing", ""), Found(), money=False))
            return 0
        arguments = ["report", f"--from-file={path}", "--untrusted", "--format", "comment"]
        arguments.append(f"--max-bytes={LARGEST_COMMENT}")
        text = self._text([*arguments, *self._marks(), "--hide-money"])
        found = Found()
        self._post(number, text, found, None)
        write_summary(self._runner.summary_file, text)
        write_outputs(self._runner.output_file, _outputs(Check("log", ""), found, money=False))
        return 0

    def _number(self) -> int | None:
        """The pull request that a workflow_run event is about, out of the event and never out of the artifact.

        The event's list of pull requests is empty for those of forks: they are found by their branch and commit.
        """
        run = self._runner.event.get("workflow_run") or {}
        pulls = run.get("pull_requests") or []
        if pulls and isinstance(pulls[0], Mapping) and isinstance(pulls[0].get("number"), int):
            return int(pulls[0]["number"])
        owner = ((run.get("head_repository") or {}).get("owner") or {}).get("login")
        branch, commit = run.get("head_branch"), run.get("head_sha")
        if not (owner and branch and commit):
            return None
        return self._github.pull_request_of(f"{owner}:{branch}", str(commit))


def _estimate_words(response: Mapping[str, Any], why: str) -> str:
    names = ", ".join(str(name) for name in response.get("candidates", [])) or "no cheaper model"
    return f"{why} A run would try {names} on up to {response.get('calls', 0)} calls."


def _outputs(check: Check, found: Found, *, money: bool) -> dict[str, str]:
    response = found.response
    intervals = response.get("intervals") or {}
    quality, saving = intervals.get("quality_impact_percent") or {}, intervals.get("cost_saving_percent") or {}
    ledger = response.get("ledger") or {}
    replayed = ledger.get("replayed") or 0
    values: dict[str, Any] = {
        "verdict": response.get("grade", "" if check.kind != "nothing" else "nothing"),
        "headline": response.get("summary", ""),
        "savings-percent": saving.get("value"),
        "quality-delta": quality.get("value"),
        "quality-ci-low": quality.get("low"),
        "quality-ci-high": quality.get("high"),
        "refusal-delta": 100 * ledger.get("newly_refused", 0) / replayed if replayed else None,
        "spent-usd": response.get("verification_cost_usd") if money else None,
        "report-path": found.report,
        "comment-id": found.comment_id,
        "comment-posted": "true" if found.is_posted else "false",
    }
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def command_of(environment: Mapping[str, str], inputs: Inputs, folder: Path) -> Command:
    """The ``cqtui`` of this environment, run in a folder of its own: in the repository it would read cqtui.toml.

    The key reaches it by its variable alone.
    """
    given = {name: value for name, value in environment.items() if not name.startswith(("CQTUI_INPUT_", "INPUT_"))}
    given.pop("GITHUB_TOKEN", None)
    if inputs.portkey_api_key:
        given["PORTKEY_API_KEY"] = inputs.portkey_api_key

    def cqtui(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "cqtui", *arguments]
        return subprocess.run(
            command, cwd=folder, env=given, capture_output=True, encoding="utf-8", errors="replace", check=False
        )

    return cqtui


def main() -> int:
    """Run the action as the runner calls it."""

    def say(line: str) -> None:
        if line:
            print(line, flush=True)

    try:
        inputs, runner = read_inputs(os.environ), read_runner(os.environ)
        for name in SECRETS:
            say(mask(getattr(inputs, name)))
        github = GitHub(runner.api_url, runner.repository, inputs.github_token)
        try:
            cqtui = command_of(os.environ, inputs, Path(tempfile.mkdtemp(prefix="cqtui-")))
            return Action(inputs, runner, os.environ, github, cqtui, say).run()
        finally:
            github.close()
    except (InputError, GitHubError) as error:
        say(annotation("error", str(error)))
        return BAD_INPUT if isinstance(error, InputError) else FAILED
    except OSError as error:
        say(annotation("error", f"{error.filename}: {error.strerror}"))
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
