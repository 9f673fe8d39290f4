"""``cqtui logs convert``: any log as native JSON Lines."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cqtui.cli.files import check_new, fresh_file
from cqtui.cli.lines import tell_all
from cqtui.cli.reading import shown
from cqtui.errors import BadInputError
from cqtui.importers import Progress
from cqtui.importers.conversion import Conversion, convert
from cqtui.importers.redaction import redactor_of
from cqtui.redaction.redactor import Redactor, counted_words, without_keys
from cqtui.report.filters import counted
from cqtui.report.plan_words import problem_lines, skipped_words
from cqtui.settings import load_settings

STDOUT = "-"


def conversion_json(done: Conversion, redacted: bool) -> dict[str, Any]:
    """What was converted, for programs."""
    read = done.read
    return {
        "files": list(read.files),
        "records": read.records,
        "converted": read.total_calls,
        "with_answer": done.with_answer,
        "formats": read.counts,
        "part_of_another": read.joined,
        "not_replayable": {without_keys(reason): count for reason, count in read.skipped_for.items()},
        "rejected": read.rejected_count,
        "redacted": redacted,
        "replaced": dict(done.replaced),
        "calls_with_replacements": done.changed,
        "calls_left_with_images_audio_or_files": done.with_binary,
    }


def conversion_lines(done: Conversion, out: str, redacted: bool) -> list[str]:
    """What was converted, in lines for people."""
    read = done.read
    formats = ", ".join(f"{name} {count:,}" for name, count in read.counts.items())
    lines = [
        f"Converted {counted(read.total_calls, 'call')} to {out} ({formats}); {done.with_answer:,} with an answer."
    ]
    if read.joined:
        lines.append(f"{counted(read.joined, 'record')} were part of another record's call.")
    if read.skipped_for:
        lines.append(f"Left out: {skipped_words(read)}.")
    lines += problem_lines(read)
    if not redacted:
        lines.append("Texts are as logged: redaction is off. Users and sessions are hashes.")
        return lines
    found = counted_words(done.replaced)
    where = f" in {counted(done.changed, 'call')}" if found else ""
    lines.append(f"Replaced by placeholders: {found or 'nothing'}{where}. Users and sessions are hashes.")
    if done.with_binary:
        lines.append(f"Images, audio and files in {counted(done.with_binary, 'call')} are as logged.")
    return lines


def _convert(paths: list[Path], out: str, redactor: Redactor | None, force: bool) -> Conversion:
    if out == STDOUT:
        done = _read(paths, sys.stdout.buffer.write, redactor, live=not sys.stdout.isatty())
        sys.stdout.buffer.flush()
        return done
    if (folder := next((path for path in paths if _would_read(path, Path(out))), None)) is not None:
        raise BadInputError(
            f"{out} would be read with {folder} the next time, and every call count twice.",
            "Write it to another folder.",
        )
    with fresh_file(Path(out), replace=force) as write:
        done = _read(paths, write, redactor, live=True)
        if any(Path(name).resolve() == Path(out).resolve() for name in done.read.files):
            raise BadInputError(f"{out} is part of the log that is read.", "Name a file outside of it.")
        return done


def _would_read(path: Path, out: Path) -> bool:
    """Whether a folder or pattern takes in a file that does not exist yet."""
    if path.is_dir():
        return out.resolve().is_relative_to(path.resolve())
    return not path.exists() and out.resolve().match(str(path))


def _read(paths: list[Path], write: Callable[[bytes], object], redactor: Redactor | None, *, live: bool) -> Conversion:
    progress = Progress()
    with shown(progress, live=live and sys.stderr.isatty()):
        done = convert(paths, write, redactor, progress)
    if not done.read.total_calls:
        why = skipped_words(done.read) or counted(done.read.rejected_count, "unusable record")
        raise BadInputError(f"No record holds a call to convert ({why}).", "Log prompts as well.")
    return done


@click.command("convert")
@click.argument("path", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True, readable=False))
@click.argument("out", type=click.Path(allow_dash=True))
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml here, if any]")
@click.option("--profile", help="Lay [profiles.NAME] of the settings file over the rest of it.")
@click.option("--no-redact", is_flag=True, help="Write texts as logged: nothing is replaced.")
@click.option("--force", is_flag=True, help="Replace OUT where it is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print what was converted as JSON to stdout.")
def command(
    path: tuple[Path, ...],
    out: str,
    config: Path | None,
    profile: str | None,
    no_redact: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the calls in PATH to OUT as cqtui's own JSON Lines, whatever their format. Calls nothing.

    PATH is a file, a folder, a pattern in quotes, or - for stdin.

    E-mails, phone numbers, keys and what [privacy] names are replaced; users and sessions become hashes. OUT takes its
    name when it is whole; .gz is compressed, - is stdout. The format: docs/log-formats.md.

    \b
    Examples:
      cqtui logs convert export.json logs/october.jsonl
      cqtui logs convert exports/ logs/all.jsonl.gz --force
      zcat export.jsonl.gz | cqtui logs convert - logs/october.jsonl
      cqtui logs convert export.json - | head
    """
    if as_json and out == STDOUT:
        raise BadInputError("--json and - both want stdout.", "Name a file as OUT.")
    settings = load_settings(config, {"privacy.redact": False if no_redact else None}, profile)
    if out != STDOUT:
        check_new(Path(out), replace=force)
    redactor = redactor_of(settings.privacy) if settings.privacy.redact else None
    done = _convert(list(path), out, redactor, force)
    tell_all(conversion_lines(done, "stdout" if out == STDOUT else out, redactor is not None), err=True)
    if as_json:
        click.echo(json.dumps(conversion_json(done, redactor is not None), indent=2, ensure_ascii=False))
    elif out != STDOUT:
        click.echo(f"Next: cqtui logs inspect {shlex.quote(out)}", err=True)
