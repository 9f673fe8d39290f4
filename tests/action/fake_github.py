"""A GitHub API server on loopback with one repository: as much of it as the action calls, and faults on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BOT = "github-actions[bot]"
REPOSITORY = "acme/support"
TOKEN = "ghs_a-token-of-the-job"


@dataclass
class Fault:
    """An answer in place of the real one, for the next ``times`` requests of a method whose path ends so."""

    method: str
    path_end: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "no"


@dataclass
class FakeGitHub:
    """What the repository holds, and what was asked of it."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    changed: list[dict[str, str]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    prefix: str = ""
    url: str = ""
    next_id: int = 1000

    def add_comment(self, body: str, login: str = "somebody") -> int:
        """Put a comment on the pull request."""
        self.next_id += 1
        self.comments.append({"id": self.next_id, "body": body, "user": {"login": login}})
        return self.next_id

    @property
    def ours(self) -> list[dict[str, Any]]:
        """The comments of the action."""
        return [each for each in self.comments if each["user"]["login"] == BOT]

    def written(self) -> list[str]:
        """The methods of the requests that change something."""
        return [method for method, _ in self.requests if method != "GET"]

    # answers

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON (or bytes) and headers for a request."""
        parts = urlsplit(target)
        path, query = unquote(parts.path), parse_qs(parts.query)
        for fault in self.faults:
            if fault.times and fault.method == method and path.endswith(fault.path_end):
                fault.times -= 1
                return fault.status, {"message": fault.message}, fault.headers
        root = f"{self.prefix}/repos/{REPOSITORY}"
        if path == f"{self.prefix}/user":
            return 403, {"message": "Resource not accessible by integration"}, {}
        if path.startswith(f"{root}/contents/"):
            return self._contents(path.removeprefix(f"{root}/contents/"), query["ref"][0])
        if path == f"{root}/pulls":
            return self._page([pull for pull in self.pulls if pull["branch"] in query["head"]], query)
        if path.startswith(f"{root}/pulls/") and path.endswith("/files"):
            return self._page(self.changed, query)
        if path.startswith(f"{root}/issues/comments/") and method == "PATCH":
            return self._edit(int(path.rpartition("/")[2]), body)
        if path.endswith("/comments") and method == "GET":
            return self._page(self.comments, query)
        if path.endswith("/comments") and method == "POST":
            self.add_comment(body["body"], BOT)
            return 201, self.comments[-1], {}
        return 404, {"message": "Not Found"}, {}

    def _contents(self, path: str, ref: str) -> tuple[int, Any, dict[str, str]]:
        if (path, ref) in self.files:
            return 200, self.files[path, ref], {}
        inside = [name for name, at in self.files if at == ref and name.startswith(f"{path}/")]
        if inside:
            return 200, [{"type": "file", "name": name.rpartition("/")[2]} for name in inside], {}
        return 404, {"message": "Not Found"}, {}

    def _page(self, items: list[Any], query: dict[str, list[str]]) -> tuple[int, Any, dict[str, str]]:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return 200, items[(page - 1) * size : page * size], {}

    def _edit(self, number: int, body: Any) -> tuple[int, Any, dict[str, str]]:
        for comment in self.comments:
            if comment["id"] == number:
                comment["body"] = body["body"]
                return 200, comment, {}
        return 404, {"message": "Not Found"}, {}


@contextlib.contextmanager
def running_github(prefix: str = "") -> Iterator[FakeGitHub]:
    """Start the server; ``prefix`` is the path of an Enterprise server's API."""
    fake = FakeGitHub(prefix=prefix)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            fake.requests.append((self.command, self.path))
            fake.tokens.add(self.headers.get("authorization", ""))
            status, found, headers = fake.answer(self.command, self.path, body)
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            for name, value in {"content-length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
