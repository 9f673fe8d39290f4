"""The only errors that reach a user: one line that says what, where and what to do."""

from __future__ import annotations


class CqtuiError(Exception):
    """An error whose text may be shown to a user as it stands.

    Attributes:
        title: What happened and where, in one line, without a trailing hint.
        hint: What to do about it; may be empty.
        exit_code: The process exit code of a command that ends with it.
    """

    exit_code = 1

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(f"{title} {hint}".strip())
        self.title = title
        self.hint = hint


class BadInputError(CqtuiError):
    """A wrong option, file, configuration or log (exit code 2)."""

    exit_code = 2


class AccessRefusedError(CqtuiError):
    """Credentials are missing or refused, or the gateway cannot be reached (exit code 4)."""

    exit_code = 4


class StoreError(CqtuiError):
    """The database cannot be opened, read or written."""
