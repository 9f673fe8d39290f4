"""The e-process on newly refused calls (methods.md section 0.4), valid at every number of calls.

A call is newly refused where the candidate refused and the current model did not. The rate of such calls is tested
against the allowed increase r, a share of all calls: E grows while there are fewer, E' where there are clearly more.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cqtui.stats.sequential import first_reaching, log_threshold

MAX_INCREASE = 0.03
"""Allowed share r of newly refused calls."""
BETTER = 1 / 5
"""E bets on the rate q = r/5."""
WORSE = 3.0
"""E' bets on the rate q = 3r."""


@dataclass(frozen=True, slots=True)
class RefusalEvidence:
    """Natural logarithms of E (acceptable) and E' (certain failure) after each call; empty for n = 0."""

    log_acceptable: tuple[float, ...]
    log_failed: tuple[float, ...]

    @property
    def n(self) -> int:
        """Calls seen."""
        return len(self.log_acceptable)

    def first_acceptable(self, threshold: float = 20.0) -> int | None:
        """Return the first number of calls with E >= threshold, or None."""
        return first_reaching(self.log_acceptable, threshold)

    def first_failed(self, threshold: float = 20.0) -> int | None:
        """Return the first number of calls with E' >= threshold, or None."""
        return first_reaching(self.log_failed, threshold)


def _log_mean(share: float, log_refused: float, log_answered: float) -> float:
    """Return ln of the mean of two factors, the first one's share given; exact where all are alike."""
    if share in (0.0, 1.0):
        return log_refused if share else log_answered
    return math.log(share * math.exp(log_refused) + (1 - share) * math.exp(log_answered))


class RunningRefusalGate:
    """The same E and E' (see `refusal_gate`), one call at a time. A threshold once reached stays reached."""

    def __init__(self, max_increase: float = MAX_INCREASE) -> None:
        """Start at E = E' = 1.

        Args:
            max_increase: Allowed share r of newly refused calls, in (0, 1/3).

        Raises:
            ValueError: If r is out of range.
        """
        if not 0.0 < max_increase < 1 / WORSE:
            raise ValueError(f"max_increase is {max_increase}, expected strictly between 0 and 1/3")
        self._loss = -math.log(BETTER)
        self._gain = math.log1p(-BETTER * max_increase) - math.log1p(-max_increase)
        self._failure_gain = math.log(WORSE)
        self._failure_loss = math.log1p(-max_increase) - math.log1p(-WORSE * max_increase)
        self.n = 0
        self.newly_refused = 0
        self.conversations = 0
        self.log_acceptable = 0.0
        self.log_failed = 0.0
        self.highest_log_acceptable = 0.0
        self.highest_log_failed = 0.0

    def add(self, newly_refused: bool) -> None:
        """Enter the next call: whether the candidate refused what the current model answered."""
        self.add_conversation((newly_refused,))

    def add_conversation(self, newly_refused: Sequence[bool]) -> None:
        """Enter the calls of a conversation: it counts once, as the mean of their bets (itself a fair bet)."""
        if not newly_refused:
            return
        share = sum(newly_refused) / len(newly_refused)
        self.n += len(newly_refused)
        self.newly_refused += sum(newly_refused)
        self.conversations += 1
        self.log_acceptable += _log_mean(share, -self._loss, self._gain)
        self.log_failed += _log_mean(share, self._failure_gain, -self._failure_loss)
        self.highest_log_acceptable = max(self.highest_log_acceptable, self.log_acceptable)
        self.highest_log_failed = max(self.highest_log_failed, self.log_failed)

    def is_acceptable(self, threshold: float = 20.0) -> bool:
        """Return whether E has reached the threshold (`multiplicity.evidence_threshold`)."""
        return self.highest_log_acceptable >= log_threshold(threshold)

    def is_failed(self, threshold: float = 20.0) -> bool:
        """Return whether E' has reached the threshold."""
        return self.highest_log_failed >= log_threshold(threshold)

    def calls_missing(self, threshold: float = 20.0, further_refusals: int = 0) -> int:
        """Return how many further calls the gate needs to pass, 0 where it has passed.

        Args:
            threshold: The E to reach, at least 1.
            further_refusals: How many of these calls are taken to be newly refused; they are counted in the answer.

        Raises:
            ValueError: If the threshold is under 1 or not finite, or the refusals are negative.
        """
        level = log_threshold(threshold)
        if further_refusals < 0:
            raise ValueError(f"further_refusals is {further_refusals}, expected at least 0")
        if self.highest_log_acceptable >= level:
            return 0
        lacking = level - self.log_acceptable + further_refusals * self._loss
        return further_refusals + math.ceil(lacking / self._gain)


def refusal_gate(newly_refused: Iterable[bool], max_increase: float = MAX_INCREASE) -> RefusalEvidence:
    """Return the paths of log E (acceptable) and log E' (certain failure).

    Source: methods.md section 0.4. E *= q/r for a newly refused call, else (1 - q)/(1 - r), with q = r/5; E' the same
    with q = 3r. With r = 3% and no new refusal E passes 20 after 123 calls and 120 after 196; each new refusal costs
    about 66 more. n = 0 gives empty paths (E = 1); n = 1 and 2 need no special case.

    Args:
        newly_refused: Per call in the order submitted, whether the candidate refused what the current model answered.
        max_increase: Allowed share r of newly refused calls, in (0, 1/3).

    Raises:
        ValueError: If r is out of range.
    """
    running = RunningRefusalGate(max_increase)
    acceptable: list[float] = []
    failed: list[float] = []
    for refused in newly_refused:
        running.add(refused)
        acceptable.append(running.log_acceptable)
        failed.append(running.log_failed)
    return RefusalEvidence(tuple(acceptable), tuple(failed))
