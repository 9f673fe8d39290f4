"""Changes values in a TOML text and leaves every other byte as it is.

The text is taken apart into statements and only those that change are written anew; tomlkit writes the strings and
edits inline tables and arrays. In a whole document it would move ``[[x]]`` entries that stand apart, put new keys
behind the comment of the next table, and drop the comments of what it removes.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, InlineTable

from cqtui.errors import BadInputError
from cqtui.toml.errors import one_line
from cqtui.toml.lines import KeyPath, Statement, comments, is_bare, statements, value_span

_LONGEST_DECIMAL = 40  # digits written out; beyond that with an exponent


def literal(value: object) -> str:
    """A value as TOML writes it on one line; a Decimal keeps its digits.

    Raises:
        BadInputError: TOML has no such value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise BadInputError(f"{value} is not a number.")
        return format(value, "f") if abs(value.adjusted()) < _LONGEST_DECIMAL else str(value)
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise BadInputError("The number is too large.")
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadInputError(f"{value!r} is not text that UTF-8 can hold.") from None
        return tomlkit.string(value).as_string()
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = [f"{written_key(str(name))} = {literal(item)}" for name, item in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return f"[{', '.join(map(literal, value))}]"
    raise BadInputError(f"A {type(value).__name__} cannot be written to a TOML file.")


def written_key(*names: str) -> str:
    """A dotted key, its parts in quotes where they need them."""
    return ".".join(name if is_bare(name) else literal(name) for name in names)


def changed(text: str, changes: Mapping[KeyPath, object | None]) -> str:
    """A valid TOML text with some values set, or removed where None.

    Comments, order, quoting and layout of all else stay byte for byte, newlines in the style of the file. A comment in
    or behind something that goes becomes a line of its own. Equal values stay as they are written.

    Args:
        text: The text as it stands in the file.
        changes: Full names to values; a position names an entry of an array of tables.

    Raises:
        BadInputError: A value that TOML does not know, or a place that cannot be changed without touching others.
    """
    is_crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    before = text.replace("\r\n", "\n") if is_crlf else text
    wanted = tomllib.loads(before, parse_float=Decimal)
    page = _Page(before)
    for path, value in changes.items():
        try:
            _put(wanted, path, value)
            page.set(path, value)
        except BadInputError as error:
            raise BadInputError(f"{one_line('.'.join(map(str, path)))}: {error.title}", error.hint) from None
    for after in (page.text(pruned=True), page.text(pruned=False)):
        if before and not before.endswith("\n"):
            after = after.removesuffix("\n")
        if _holds(after, wanted) and not Counter(comments(before)) - Counter(comments(after)):
            return after.replace("\n", "\r\n") if is_crlf else after
    names = ", ".join(one_line(".".join(map(str, path))) for path in changes)
    raise BadInputError(f"{names}: cannot be changed without touching what stands beside it.", "Edit the file by hand.")


def _put(values: dict[str, Any], path: KeyPath, value: object | None) -> None:
    """What the change means, apart from how it is written."""
    target: Any = values
    for number, part in enumerate(path, 1):
        if not isinstance(part, int if isinstance(target, list) else str) or not isinstance(target, list | dict):
            raise BadInputError(f'There is no "{one_line(str(part))}" in a list or a value.')
        if number == len(path):
            break
        known: Any = target
        if isinstance(known, dict) and part not in known:
            if value is None:
                return
            known[part] = {}
        target = known[part]
    last = path[-1]
    if value is None:
        if last in target:
            del target[last]
        return
    new = tomllib.loads(f"k = {literal(value)}", parse_float=Decimal)["k"]
    if isinstance(target, list) and last == len(target):
        target.append(new)
    else:
        target[last] = new


def _holds(text: str, wanted: Mapping[str, Any]) -> bool:
    """Whether a text says what is wanted, empty tables and how numbers are spelled apart."""
    try:
        return bool(_full(tomllib.loads(text, parse_float=Decimal)) == _full(wanted))
    except ValueError:
        return False


def _full(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: full for k, v in value.items() if (full := _full(v)) != {}}
    if isinstance(value, list):
        return [_full(item) for item in value]
    if isinstance(value, Decimal) and value.is_nan():
        return "nan"
    return (type(value) is bool, value)


class _Page:
    """A text in statements, to be changed one by one."""

    def __init__(self, text: str) -> None:
        whole = text if not text or text.endswith("\n") else text + "\n"
        self._statements = statements(whole)
        self._touched: set[KeyPath] = set()

    def text(self, *, pruned: bool) -> str:
        """The text; pruned without the tables that the changes have emptied."""
        kept: list[Statement] = []
        is_at_top = False  # below a header that has gone from the first line
        for at, statement in enumerate(self._statements):
            if pruned and self._is_emptied(at):
                if kept and kept[-1].text.isspace():
                    kept.pop()
                is_at_top = not kept
            elif not (is_at_top and statement.text.isspace()):
                kept.append(statement)
                is_at_top = False
        return "".join(statement.text for statement in kept)

    def set(self, path: KeyPath, value: object | None) -> None:
        """Set one value, or remove it where None."""
        holders = [at for at, s in enumerate(self._statements) if s.kind == "entry" and path[: len(s.path)] == s.path]
        if holders:
            self._set_in_entry(holders[0], path, value)
            return
        inside = [s for s in self._statements if s.kind != "other" and s.path[: len(path)] == path]
        if value is None:
            self._remove_all(path)
        elif inside and isinstance(value, Mapping):
            for name in {str(s.path[len(path)]): None for s in inside if len(s.path) > len(path)}:
                if name not in value:
                    self.set((*path, name), None)
            for name, item in value.items():
                self.set((*path, str(name)), item)
        elif not inside:
            self._add(path, value)

    def _set_in_entry(self, at: int, path: KeyPath, value: object | None) -> None:
        statement = self._statements[at]
        begin, end = value_span(statement.text)
        old = statement.text[begin:end]
        rest = path[len(statement.path) :]
        if not rest and value is None:
            self._replace_by_comments(at)
            return
        new = _inside(old, rest, value) if rest else literal(value)
        if _same(old, new):
            return
        kept = Counter(comments(old)) - Counter(comments(new))
        indent = statement.text[: len(statement.text) - len(statement.text.lstrip())]
        above = "".join(f"{indent}{comment}\n" for comment in kept.elements())
        text = above + statement.text[:begin] + new + statement.text[end:]
        self._statements[at] = Statement(text, 0, "entry", statement.path)

    def _replace_by_comments(self, at: int) -> None:
        statement = self._statements[at]
        indent = statement.text[: len(statement.text) - len(statement.text.lstrip())]
        section = self._section(at)
        left = [Statement(f"{indent}{comment}\n", 0, "other", section) for comment in comments(statement.text)]
        self._statements[at : at + 1] = left
        if statement.kind == "entry":
            self._touched.add(section)

    def _remove_all(self, path: KeyPath) -> None:
        """Remove a table with all that it holds, comments apart."""
        at = len(self._statements) - 1
        while at >= 0:
            statement = self._statements[at]
            if statement.kind != "other" and statement.path[: len(path)] == path:
                self._replace_by_comments(at)
                around = self._statements[max(at - 1, 0) : at + 1]
                if statement.kind != "entry" and at > 0 and all(s.text.isspace() for s in around):
                    at -= 1
                    del self._statements[at]
            at -= 1

    def _section(self, at: int) -> KeyPath:
        """The table that a statement stands in."""
        headers = [s.path for s in self._statements[:at] if s.kind in ("table", "array")]
        return headers[-1] if headers else ()

    def _is_emptied(self, at: int) -> bool:
        """Whether this is the header of a table that a change has emptied, without a comment that is about it."""
        header = self._statements[at]
        if header.kind != "table" or header.path not in self._touched or comments(header.text):
            return False
        inside = self._body(at)
        if at + 1 + len(inside) < len(self._statements):
            while inside and inside[-1].text.lstrip().startswith("#"):  # these lines are about the next table
                inside.pop()
        return all(statement.text.isspace() for statement in inside)

    def _body(self, at: int) -> list[Statement]:
        """What stands between a header and the next."""
        end = at + 1
        while end < len(self._statements) and self._statements[end].kind not in ("table", "array"):
            end += 1
        return self._statements[at + 1 : end]

    def _add(self, path: KeyPath, value: object) -> None:
        """Write a new entry where its table is, else a new table at the end."""
        section = path[:-1]
        headers = [at for at, s in enumerate(self._statements) if s.kind in ("table", "array") and s.path == section]
        dotted = [at for at, s in enumerate(self._statements) if self._leads_through(at, s, section)]
        entry = self._array_entry(path)
        if value == {} and entry is None:
            self._new_table(path)
        elif not section or headers:
            self._insert(headers[0] if headers else -1, path, value)
        elif dotted:
            self._statements.insert(dotted[-1] + 1, self._entry(dotted[-1], self._section(dotted[-1]), path, value))
        elif entry is not None:
            self._insert(entry, path, value)
        else:
            self._new_table(section)
            self._insert(len(self._statements) - 1, path, value)

    def _leads_through(self, at: int, statement: Statement, section: KeyPath) -> bool:
        """Whether an entry's dotted key writes that table, which can then have no header of its own."""
        is_inside = statement.kind == "entry" and statement.path[: len(section)] == section
        return is_inside and len(self._section(at)) < len(section)

    def _new_table(self, path: KeyPath) -> None:
        blank = "\n" if self._statements and not self._statements[-1].text.isspace() else ""
        header = f"{blank}[{written_key(*map(str, path))}]\n"
        self._statements.append(Statement(header, 0, "table", path))

    def _array_entry(self, path: KeyPath) -> int | None:
        """The ``[[x]]`` that a name leads through: a table inside it cannot stand at the end of the file."""
        found = [at for at, s in enumerate(self._statements) if s.kind == "array" and path[: len(s.path)] == s.path]
        return found[-1] if found else None

    def _insert(self, header: int, path: KeyPath, value: object) -> None:
        """Write an entry behind the last one of a table, else behind what its comments say of it."""
        section = self._statements[header].path if header >= 0 else ()
        body = self._body(header)
        entries = [header + 1 + number for number, s in enumerate(body) if s.kind == "entry"]
        if entries:
            self._statements.insert(entries[-1] + 1, self._entry(entries[-1], section, path, value))
            return
        at = header + 1 + len(body)
        if at < len(self._statements):
            while body and not body[-1].text.isspace():  # these lines are about the next table
                body.pop()
        while body and body[-1].text.isspace():
            body.pop()
        at = header + 1 + len(body)
        self._statements.insert(at, self._entry(None, section, path, value))
        if at + 1 < len(self._statements) and not self._statements[at + 1].text.isspace():
            self._statements.insert(at + 1, Statement("\n", 0, "other", section))

    def _entry(self, model: int | None, section: KeyPath, path: KeyPath, value: object) -> Statement:
        """A new entry, indented as the one that it follows."""
        text = self._statements[model].text if model is not None else ""
        indent = text[: len(text) - len(text.lstrip())]
        key = written_key(*map(str, path[len(section) :]))
        return Statement(f"{indent}{key} = {literal(value)}\n", 0, "entry", path)


def _same(old: str, new: str) -> bool:
    """Whether two values say the same, however they are written."""
    return _holds(f"k = {old}", tomllib.loads(f"k = {new}", parse_float=Decimal))


def _inside(text: str, path: KeyPath, value: object | None) -> str:
    """An inline table or array with one value in it changed."""
    part, rest = path[0], path[1:]
    try:
        owner: Any = tomlkit.value(text)
        if isinstance(owner, InlineTable) and part not in owner:
            return text if value is None else _with_pair(text, path, value, is_empty=not owner)
        if rest:
            new = tomlkit.value(_inside(owner[part].as_string(), rest, value))
        elif value is None:
            del owner[part]
            left = str(owner.as_string())[1:-1].strip()
            space = text[1 : len(text) - len(text[1:].lstrip())]
            return f"{{{space}{left}{space}}}" if left else "{}"
        else:
            new = tomlkit.value(literal(value))
        if isinstance(owner, Array) and part == len(owner):
            owner.append(new)
        else:
            owner[part] = new
        return str(owner.as_string())
    except (TOMLKitError, TypeError, LookupError) as error:
        raise BadInputError(f"{one_line(text)} cannot be changed in place ({type(error).__name__}).") from None


def _with_pair(table: str, path: KeyPath, value: object, *, is_empty: bool) -> str:
    """An inline table with one more pair; tomlkit would drop the space before the closing brace."""
    for name in reversed(path[1:]):
        value = {str(name): value}
    pair = f"{written_key(str(path[0]))} = {literal(value)}"
    inside = table[1:-1].rstrip()
    space = table[1 + len(inside) : -1]
    return f"{{ {pair} }}" if is_empty else f"{{{inside}, {pair}{space}}}"
