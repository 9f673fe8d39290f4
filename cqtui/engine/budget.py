"""The cap on spending: each call reserves its worst case before it is sent and settles after."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from cqtui.errors import CqtuiError

MONTH_NOTE = "The month's budget of"


class BudgetExhaustedError(CqtuiError):
    """The next call's worst case no longer fits under the cap."""


@dataclass(frozen=True)
class Cap:
    """The most that a run may spend in USD, and why it is less than asked for ("" where it is not)."""

    usd: Decimal
    note: str = ""


def cap_of(asked_usd: Decimal, monthly_usd: Decimal | None, spent_usd: Decimal, month_usd: Decimal) -> Cap:
    """A run's cap under its own and the month's budget; all in USD.

    Args:
        asked_usd: The run's own budget.
        monthly_usd: What all runs may spend in a month; None is no limit.
        spent_usd: What this run has spent already, where it is resumed.
        month_usd: What all runs have spent this month, this one included.
    """
    if monthly_usd is None:
        return Cap(asked_usd)
    left = max(Decimal(0), monthly_usd - month_usd)
    if spent_usd + left >= asked_usd:
        return Cap(asked_usd)
    note = (
        f"{MONTH_NOTE} ${monthly_usd} ([budget] monthly_usd) left ${left:.2f} for this run: "
        f"${month_usd:.2f} had been spent since the first of the month."
    )
    return Cap(spent_usd + left, note)


class Budget:
    """USD that may still be spent. Spent plus reserved never passes the cap."""

    def __init__(self, cap_usd: Decimal, spent_usd: Decimal = Decimal(0)) -> None:
        """Start with what earlier attempts of a resumed run already spent."""
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        self.reserved_usd = Decimal(0)
        self._changed = asyncio.Condition()
        self._waiting = 0

    def _fits(self, amount: Decimal) -> bool:
        return self.spent_usd + self.reserved_usd + amount <= self.cap_usd

    async def reserve(self, amount_usd: Decimal) -> None:
        """Set money aside, waiting for calls under way to settle for less than their worst case.

        Raises:
            BudgetExhaustedError: It would not fit even when nothing else is under way.
        """
        if not self._fits(amount_usd):
            await self._wait(amount_usd)
        self.reserved_usd += amount_usd  # nothing is awaited between the check and this

    async def _wait(self, amount_usd: Decimal) -> None:
        self._waiting += 1
        try:
            async with self._changed:
                while not self._fits(amount_usd):
                    if self.reserved_usd == 0:
                        raise BudgetExhaustedError(
                            f"The budget of ${self.cap_usd} is used up (${self.spent_usd:.4f} spent, the next call may "
                            f"cost ${amount_usd:.4f}).",
                            "Raise it with --budget-usd.",
                        )
                    await self._changed.wait()
        finally:
            self._waiting -= 1

    async def settle(self, reserved_usd: Decimal, cost_usd: Decimal) -> None:
        """Replace a reservation by what the call cost."""
        self.reserved_usd -= reserved_usd
        self.spent_usd += cost_usd
        if self._waiting:
            async with self._changed:
                self._changed.notify_all()
