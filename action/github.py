"""GitHub's REST API, as far as the action needs it: changed files, files of another commit, one comment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import tenacity

ATTEMPTS = 4
LONGEST_WAIT_S = 60.0
TIMEOUT_S = 30.0
PAGE = 100
MOST_PAGES = 60
BOT = "github-actions[bot]"
LARGEST_FILE = 50_000_000


class GitHubError(Exception):
    """GitHub refused or cannot be reached. ``status`` is 0 where nothing answered."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class PostedComment:
    """The comment as it stands now; ``how`` is created or updated."""

    id: int
    how: str


class GitHub:
    """One repository, with the workflow's token."""

    def __init__(
        self, api_url: str, repository: str, token: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Use the server's API at ``api_url`` (Enterprise servers have their own); close it after use."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(base_url=api_url, headers=headers, timeout=TIMEOUT_S, follow_redirects=False)
        self._repository = repository
        self._sleep = sleep
        self._login: str | None = None

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, sent again after a rate limit or a server's fault; the last answer whatever it is."""

        def waits(state: tenacity.RetryCallState) -> float:
            assert state.outcome is not None
            if state.outcome.failed:
                return float(state.attempt_number)
            asked = state.outcome.result().headers.get("retry-after", "")
            return min(LONGEST_WAIT_S, float(asked) if asked.isdigit() else float(state.attempt_number))

        policy = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=waits,
            retry=tenacity.retry_if_result(_is_transient) | tenacity.retry_if_exception_type(httpx.TransportError),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome is not None else None,
            sleep=self._sleep,
        )
        try:
            answer: httpx.Response = policy(self._client.request, method, path, **options)
        except httpx.TransportError as error:
            raise GitHubError(f"GitHub cannot be reached: {type(error).__name__}.") from None
        return answer

    def _get(self, path: str, **options: Any) -> httpx.Response:
        answer = self._send("GET", path, **options)
        if answer.status_code >= 400:
            raise GitHubError(_words(answer), answer.status_code)
        return answer

    def _pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        for page in range(1, MOST_PAGES + 1):
            found = self._get(path, params={**query, "per_page": PAGE, "page": page}).json()
            yield from (item for item in found if isinstance(item, dict))
            if len(found) < PAGE:
                return

    def changed_files(self, number: int) -> list[str]:
        """The paths that a pull request touches, the old names of renamed files included."""
        names: list[str] = []
        for item in self._pages(f"/repos/{self._repository}/pulls/{number}/files"):
            names += [str(item[key]) for key in ("filename", "previous_filename") if item.get(key)]
        return names

    def file_at(self, path: str, commit: str) -> bytes | None:
        """A file's bytes as of a commit; None where the commit has no such file."""
        where = f"/repos/{self._repository}/contents/{quote(path)}"
        answer = self._send("GET", where, params={"ref": commit}, headers={"Accept": "application/vnd.github.raw+json"})
        if answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            raise GitHubError(_words(answer), answer.status_code)
        if len(answer.content) > LARGEST_FILE:
            raise GitHubError(f"{path} at {commit[:7]} is larger than {LARGEST_FILE // 1_000_000} MB.")
        return answer.content

    def folder_at(self, path: str, commit: str) -> dict[str, bytes]:
        """The files of a folder as of a commit, by name, without folders in it."""
        answer = self._send("GET", f"/repos/{self._repository}/contents/{quote(path)}", params={"ref": commit})
        if answer.status_code == 404:
            return {}
        if answer.status_code >= 400:
            raise GitHubError(_words(answer), answer.status_code)
        listed = answer.json()
        names = [str(item["name"]) for item in listed if item.get("type") == "file"] if isinstance(listed, list) else []
        found = {name: self.file_at(f"{path}/{name}", commit) for name in names}
        return {name: content for name, content in found.items() if content is not None}

    def pull_request_of(self, branch: str, commit: str) -> int | None:
        """The open pull request from a branch, ``owner:name``, that now stands at the commit; None where none does."""
        for item in self._pages(f"/repos/{self._repository}/pulls", state="open", head=branch):
            if (item.get("head") or {}).get("sha") == commit:
                return int(item["number"])
        return None

    @property
    def login(self) -> str:
        """Whose comments are ours: the token's user, or the bot that the job's own token stands for."""
        if self._login is None:
            answer = self._send("GET", "/user")
            self._login = str(answer.json().get("login", BOT)) if answer.status_code == 200 else BOT
        return self._login

    def find_comment(self, number: int, marker: str) -> int | None:
        """Our newest comment on a pull request that begins with the marker, over all pages."""
        found = None
        for item in self._pages(f"/repos/{self._repository}/issues/{number}/comments"):
            author = item.get("user") or {}
            if str(item.get("body", "")).lstrip().startswith(marker) and author.get("login") == self.login:
                found = int(item["id"])
        return found

    def post(
        self, number: int, body: str, marker: str, *, always_new: bool = False, only_update: bool = False
    ) -> PostedComment | None:
        """Keep one comment current: update ours in place, create it where there is none or it was deleted.

        With ``only_update`` none is created, and the answer is None.

        Raises:
            GitHubError: It cannot be written; status 403 means that the token may not, 422 that it is too long.
        """
        known = None if always_new else self.find_comment(number, marker)
        if known is not None:
            answer = self._send("PATCH", f"/repos/{self._repository}/issues/comments/{known}", json={"body": body})
            if answer.status_code < 300:
                return PostedComment(known, "updated")
            if answer.status_code not in (403, 404):
                raise GitHubError(_words(answer), answer.status_code)
        if only_update:
            return None
        answer = self._send("POST", f"/repos/{self._repository}/issues/{number}/comments", json={"body": body})
        if answer.status_code >= 300:
            raise GitHubError(_words(answer), answer.status_code)
        return PostedComment(int(answer.json()["id"]), "created")


def _is_transient(answer: httpx.Response) -> bool:
    """A server's fault, or a rate limit: the secondary one is a 403 that says how long to wait."""
    limited = answer.status_code in (403, 429) and (
        "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    )
    return limited or answer.status_code in (500, 502, 503, 504)


def _words(answer: httpx.Response) -> str:
    """What GitHub said, on one line, without what was sent."""
    try:
        said = str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        said = ""
    return f"GitHub answered {answer.status_code}{': ' if said else ''}{' '.join(said.split())[:200]}"


def decoded(content: bytes) -> str:
    """A file's text; a BOM goes, line ends become line feeds."""
    return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
