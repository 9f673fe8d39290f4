"""Edits a user's cqtui.toml in place, and writes new ones."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from cqtui.errors import BadInputError
from cqtui.settings import Settings, parse_settings, read_config
from cqtui.toml.edit import changed, literal
from cqtui.toml.errors import one_line, parse_toml
from cqtui.toml.lines import split_key, statements

_BYTE_ORDER_MARK = "\ufeff"
_NAME_PART = re.compile(r"""("(?:\\.|[^"\\])*"|'[^']*'|[^."']+)(\.(?=.)|$)""", re.DOTALL)
_ATTEMPTS = 5  # edits of a file that others keep changing

# Keys of one table stand together: its name is written once.
_NEW_CONFIG: tuple[tuple[str, str, object], ...] = (
    ("current_model", "The model that answers your calls now; savings are measured against it.", None),
    ("use_case", "What the answers are for, such as general, coding, support or extraction.", "general"),
    ("logs", "The logged calls: files or patterns, from the folder of this file.", ["logs/*.jsonl"]),
    ("candidates", "Models to try, in place of those that cqtui finds.", ["gpt-5.6-luna", "claude-haiku-4-5"]),
    ("traffic.monthly_request_volume", "Calls in a month, where the log is only a sample of them.", 100_000),
    ("budget.usd", "The most that one run may spend, in US dollars, the judge included.", 1),
    ("budget.monthly_usd", "The most that all runs of a calendar month may spend.", 20),
    ("judge.models", "Who scores the answers; several are a jury. Without it a model of another family.", None),
    ("constraints.max_latency_ms", "The slowest that a candidate may be, on the 95th percentile.", 5000),
    ("constraints.blocked_providers", "Providers that must not receive your prompts.", ["deepseek"]),
    ("thresholds.max_quality_drop_percent", "The largest acceptable drop in quality.", 5),
    ("thresholds.max_samples", "Calls that are replayed on each candidate at most.", 400),
    ("gateway.base_url", "A gateway of your own, in place of hosted Portkey.", "http://localhost:8787/v1"),
    ("privacy.redact", "E-mails, phone numbers, cards, keys ... are replaced before anything is sent.", True),
    ("store.keep_text", "Keep prompts and answers in the store; false keeps hashes and figures only.", True),
)
_COMMENT_WIDTH = 100


def edit_config(path: Path, changes: Mapping[str, object | None], *, profile: str | None = None) -> Settings:
    """Change settings in a cqtui.toml; comments, order, quoting and layout of all else stay byte for byte.

    Nothing is written before the new text has been checked as a whole. A missing file is made, and so is the profile.

    Args:
        path: The file; where it is a link, the file that it leads to.
        changes: Dotted names such as ``"budget.usd"`` to values; None removes the key. A name that has dots of its own
            stands in quotes: ``'gateway.slugs."openai/gpt-5.6-luna"'``.
        profile: The ``[profiles.NAME]`` that the keys go under; None is the base.

    Returns:
        The settings that the file now says, with that profile laid over.

    Raises:
        BadInputError: A name or a value is wrong, or the file cannot be read or written; it is then as it was.
    """
    prefix = () if profile is None else ("profiles", profile)
    named = {(*prefix, *_names(name)): value for name, value in changes.items()}

    def edited(text: str) -> str:
        after = changed(text, named)
        if profile is not None and profile not in parse_toml(after, str(path)).get("profiles", {}):
            after = changed(after, {prefix: {}})
        return after

    return _edit(path, edited, profile=profile)


def edit_model(
    path: Path, model_id: str, changes: Mapping[str, object | None], *, check: Callable[[Settings], object]
) -> Settings:
    """Change an entry of the ``[[models]]`` overlay, found by its id whatever the case; a new one is added.

    The entries are checked by loading the registry with them. The registry is built upon this module, so the caller
    hands that check in.

    Args:
        path: As for ``edit_config``.
        model_id: The entry's id.
        changes: Dotted names within the entry, such as ``"price.input"``, to values; None removes the key.
        check: Raises a CqtuiError where the settings would not do; the file is then left as it was. For instance
            ``lambda settings: load_registry(settings.models, today=settings.as_of)``.

    Raises:
        BadInputError: As for ``edit_config``; CqtuiError as ``check`` raises it.
    """
    wanted = model_id.lower()

    def edited(text: str) -> str:
        models = parse_toml(text, str(path)).get("models", [])
        if not isinstance(models, list):
            raise BadInputError(f"{path}: models is not a list of tables.", "Write [[models]].")
        ids = [str(entry.get("id", "")).lower() if isinstance(entry, dict) else "" for entry in models]
        at = ids.index(wanted) if wanted in ids else len(ids)
        if at == len(ids):
            if all(value is None for value in changes.values()):
                return text
            text = _with_entry(text, at, model_id)
        return changed(text, {("models", at, *_names(name)): value for name, value in changes.items()})

    return _edit(path, edited, check=check)


def _with_entry(text: str, at: int, model_id: str) -> str:
    if any(s.kind == "entry" and s.path == ("models",) for s in statements(text)):  # models = [{ ... }]
        return changed(text, {("models", at): {"id": model_id}})
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else newline if text.endswith("\n") else newline * 2
    return f"{text}{gap}[[models]]{newline}id = {literal(model_id)}{newline}"


def new_config(values: Mapping[str, object], reasons: Mapping[str, str] | None = None) -> str:
    """The text of a new cqtui.toml with a comment for each key.

    Args:
        values: Dotted names, of those that a newcomer may want, to values. Those that are missing or None stand there
            as examples behind a ``#``, where an example helps.
        reasons: Where a value came from, or why there is none, by the same names; becomes a comment of its own.

    Raises:
        BadInputError: Another name, or a value that TOML does not know.
    """
    reasons = reasons or {}
    known = [name for name, _, _ in _NEW_CONFIG]
    for name in (*values, *reasons):
        if name not in known:
            raise BadInputError(f'"{one_line(name)}" is no setting of a new file.', f"Known here: {', '.join(known)}.")
    lines = ["# Settings of cqtui, read in the folder that it is run from. Options of the command line win."]
    table = ""
    for name, what, example in _NEW_CONFIG:
        section, _, key = name.rpartition(".")
        value, reason = values.get(name), reasons.get(name)
        if value is None and example is None and reason is None:
            continue
        if section != table:
            lines += ["", f"[{section}]"]
            table = section
        elif lines[-1].startswith("# Settings"):
            lines.append("")
        lines.append(f"# {what}")
        if reason is not None:
            lines += textwrap.wrap(one_line(reason), _COMMENT_WIDTH, initial_indent="# ", subsequent_indent="# ")
        if value is not None:
            lines.append(f"{key} = {literal(value)}")
        elif example is not None:
            lines.append(f"# {key} = {literal(example)}")
    return "\n".join(lines) + "\n"


def write_new_config(path: Path, text: str, *, replace: bool = False) -> Settings:
    """Write a new cqtui.toml, whole or not at all, after its text was checked.

    Returns:
        The settings that it says.

    Raises:
        BadInputError: It is there already and may not be replaced, the text is wrong, or it cannot be written.
    """
    settings = parse_settings(text, file=str(path))
    target = Path(os.path.realpath(path))
    before = read_config(target) if os.path.lexists(target) else None
    if before is not None and not replace:
        raise BadInputError(f"{path} is there already.", "Nothing was written; --force replaces it.")
    if not _write(path, target, before, text.encode()):
        raise BadInputError(f"{path}: another program changed it meanwhile.", "Nothing was written; try again.")
    return settings


def _names(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted name; raises BadInputError where it is not one."""
    parts: list[str] = []
    at = 0
    with contextlib.suppress(ValueError):  # an unknown escape in quotes
        while (part := _NAME_PART.match(dotted, at)) is not None:
            parts += split_key(part[1]) if part[1][0] in "\"'" else [part[1]]
            at = part.end()
    if not parts or at < len(dotted):
        raise BadInputError(f'"{one_line(dotted)}" is not a dotted name.', 'Write it as "budget.usd".')
    return tuple(parts)


def _edit(
    path: Path,
    edited: Callable[[str], str],
    *,
    profile: str | None = None,
    check: Callable[[Settings], object] | None = None,
) -> Settings:
    """Read, edit, check and write in one go; once more where another program wrote in between."""
    target = Path(os.path.realpath(path))
    for _ in range(_ATTEMPTS):
        before = read_config(target) if os.path.lexists(target) else None
        mark = _BYTE_ORDER_MARK if before is not None and before.startswith(_BYTE_ORDER_MARK) else ""
        text = (before or "").removeprefix(_BYTE_ORDER_MARK)
        parse_toml(text, str(path))
        after = edited(text)
        settings = _checked(path, text, after, profile)
        if check is not None:
            check(settings)
        if before is not None and after == text:
            return settings
        if _write(path, target, before, (mark + after).encode()):
            return settings
    raise BadInputError(f"{path}: another program keeps changing it.", "Close that program and try again.")


def _checked(path: Path, before: str, after: str, profile: str | None) -> Settings:
    try:
        return parse_settings(after, file=str(path), profile=profile)
    except BadInputError as error:
        parse_settings(before, file=str(path))  # what was wrong before is said first, with its line
        # The line is one of a text that nobody sees.
        title = re.sub(rf"^{re.escape(str(path))}(:\d+)?: ", "", error.title)
        raise BadInputError(title, error.hint) from None


def _write(path: Path, target: Path, before: str | None, content: bytes) -> bool:
    """Put a new file in the place of the old one, whole or not at all; False where the old one has changed.

    Raises:
        BadInputError: The folder or the file cannot be written.
    """
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(target.stat().st_mode) if before is not None else None
        if mode is not None and not (mode & 0o222 and os.access(target, os.W_OK)):
            raise BadInputError(f"{path}: read-only.", "Allow writing to it, or name another file.")
        with open(fresh, "xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        if mode is not None:
            fresh.chmod(mode)
        now = read_config(target) if os.path.lexists(target) else None
        if now != before:
            return False
        os.replace(fresh, target)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}.", "Name a file that can be written.") from None
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()
    return True
