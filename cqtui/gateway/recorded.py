"""Answers from a recording: JSON Lines, one request hash and its outcome a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from cqtui.errors import BadInputError
from cqtui.gateway.protocol import ChatClient, ChatRequest, EvidenceKind
from cqtui.models import Failure, Replay


class RecordedClient:
    """Replays a recording. A request that is not in it is a failure with a name, never an invention.

    A recording with a single answer of a simulated model is a rehearsal, whatever it is called.
    """

    def __init__(self, path: Path) -> None:
        """Read a recording whole.

        Raises:
            BadInputError: The file is missing or a line of it is not a recorded answer.
        """
        self.endpoint = f"recorded:{path.name}"
        self.provider = "recorded"
        self.evidence: EvidenceKind = "recorded"
        self._answers: dict[str, Replay] = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise BadInputError(f"{path}: {error.strerror}.", "Make a recording with --record FILE.") from None
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                self._answers[record["request"]] = Replay.model_validate(record["replay"])
                if record.get("evidence") == "simulated":
                    self.provider, self.evidence = "rehearsal", "simulated"
            except (ValueError, KeyError, TypeError, ValidationError):
                raise BadInputError(f"{path}:{number}: not a recorded answer.", "Record again with --record.") from None

    async def complete(self, request: ChatRequest) -> Replay:
        """Look a request up; see ``ChatClient.complete``."""
        found = self._answers.get(request.content_hash)
        if found is not None:
            return found
        failure = Failure(kind="not_recorded", message=f"the recording has no answer of {request.model} to this call")
        return Replay(model=request.model, failure=failure)

    async def aclose(self) -> None:
        """Nothing to release."""


class RecordingClient:
    """Passes calls on to a client and appends each answer to a recording."""

    def __init__(self, inner: ChatClient, path: Path) -> None:
        """Open the recording for appending.

        Raises:
            BadInputError: The file cannot be written.
        """
        self.provider, self.endpoint = inner.provider, inner.endpoint
        self.evidence: EvidenceKind = inner.evidence
        self._inner = inner
        try:
            self._file: IO[str] = path.open("a", encoding="utf-8")
        except OSError as error:
            raise BadInputError(f"{path}: {error.strerror}.", "Name a file that can be written.") from None

    async def complete(self, request: ChatRequest) -> Replay:
        """Send and record; see ``ChatClient.complete``."""
        replay = await self._inner.complete(request)
        if replay.failure is None:
            line = {
                "request": request.content_hash,
                "evidence": self.evidence,
                "replay": replay.model_dump(mode="json", exclude_defaults=True),
            }
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        return replay

    async def aclose(self) -> None:
        """Close the recording and the client."""
        self._file.close()
        await self._inner.aclose()
