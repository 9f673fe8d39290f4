"""Finished measurements: what one candidate's answer to one logged call showed, kept without the answer.

With these the same run makes no call again, even where the answers were never kept or
were deleted (``cqtui purge``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from cqtui.models import Frozen, LoggedCall, Replay, Usage
from cqtui.results import Pair
from cqtui.store import cache
from cqtui.store.database import Database
from cqtui.store.text import without_messages

M = TypeVar("M", bound=Frozen)
_OF_THE_CALL = {"messages", "params", "completion", "finish_reason"}
_NOT_MEASURED = {"session", "segment", "baseline_cost_usd", "candidate_cost_usd", "failure", "failure_message"}


class FinishedPair(Frozen):
    """A pair with its scores, and its candidate's tokens, from which costs follow at the prices of the day.

    Costs and session are left at their defaults; the record's id is that of the first call with this content.
    """

    pair: Pair
    usage: Usage


class FinishedTrial(Frozen):
    """A call under guardrails, its answer left out, and whether that was a refusal."""

    replay: Replay
    refused: bool


class Finished:
    """The finished measurements of one endpoint and one way of measuring."""

    def __init__(
        self, database: Database, *, endpoint: str, judge: str, version: str, ttl_s: int, keep_text: bool = True
    ) -> None:
        """Keep them in the cache of ``database``.

        Args:
            database: The store.
            endpoint: Who answers, as in ``ChatClient.endpoint``.
            judge: Names the judge and all that decides its scores: the model, the rubric, the similarity.
            version: Of cqtui: another may find refusals or broken formats where this one does not.
            ttl_s: How long, in seconds.
            keep_text: Whether the words of a guardrail's broken check may be kept.
        """
        self._database = database
        self._endpoint = endpoint
        self._judge = judge
        self._version = version
        self._ttl_s = ttl_s
        self._keep_text = keep_text
        self._logged: dict[int, tuple[LoggedCall, str]] = {}  # by identity: the call is kept, so that it stays unique

    def _key(self, kind: str, request_hash: str, call: LoggedCall, judge: str) -> str:
        known = self._logged.get(id(call))
        if known is None:
            known = (call, hashlib.sha256(call.model_dump_json(include=_OF_THE_CALL).encode()).hexdigest())
            self._logged[id(call)] = known
        logged = known[1]
        return cache.generate_key(
            kind, endpoint=self._endpoint, judge=judge, request=request_hash, logged=logged, version=self._version
        )

    def _pair_key(self, request_hash: str, call: LoggedCall) -> str:
        return self._key(cache.PAIR, request_hash, call, self._judge)

    def _trial_key(self, request_hash: str, call: LoggedCall) -> str:
        return self._key(cache.TRIAL, request_hash, call, "")

    def pair(self, request_hash: str, call: LoggedCall) -> FinishedPair | None:
        """The pair of a request (its ``content_hash`` before adjustments) and the logged call, or None."""
        return self._find(self._pair_key(request_hash, call), FinishedPair)

    def trial(self, request_hash: str, call: LoggedCall) -> FinishedTrial | None:
        """The trial of a request under guardrails and the logged call, or None."""
        return self._find(self._trial_key(request_hash, call), FinishedTrial)

    def keep_pair(
        self, request_hash: str, call: LoggedCall, pair: Pair, usage: Usage, versions: Mapping[str, str]
    ) -> None:
        """Keep a pair that no further call would change; a failed one is left out, so that a later run tries again.

        Args:
            request_hash: The replay's, before adjustments.
            call: The logged call.
            pair: What was measured.
            usage: The replay's tokens.
            versions: What it depends on: the candidate, the judge, the rubric.
        """
        if pair.failure is not None:
            return
        value = {
            "pair": pair.model_dump(mode="json", exclude_defaults=True, exclude=_NOT_MEASURED),
            "usage": usage.model_dump(exclude_defaults=True),
        }
        self._keep(self._pair_key(request_hash, call), value, versions)

    def keep_trial(
        self, request_hash: str, call: LoggedCall, replay: Replay, refused: bool, versions: Mapping[str, str]
    ) -> None:
        """Keep a trial that asking again would only repeat; see ``keep_pair``."""
        if not replay.is_result:
            return
        left = replay.model_dump(mode="json", exclude_defaults=True, exclude={"completion", "from_cache"})
        if "failure" in left:  # a block: its words are the guardrail's
            left["failure"]["message"] = ""
        value = {"replay": left, "refused": refused}
        self._keep(self._trial_key(request_hash, call), value if self._keep_text else without_messages(value), versions)

    def _find(self, key: str, kind: type[M]) -> M | None:
        found = cache.look_up(self._database, key)
        try:
            return None if found is None else kind.model_validate(found)
        except ValidationError:
            return None

    def _keep(self, key: str, value: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        """Queue it: nobody need wait, since it follows from what is kept already."""
        seals = self._database.seals
        self._database.submit(
            lambda c: cache.set_value(c, key, value, ttl_s=self._ttl_s, source_versions=versions, seals=seals)
        )
