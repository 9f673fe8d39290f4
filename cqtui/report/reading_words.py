"""How far a read of the log has come, in words. Pure."""

from __future__ import annotations

from cqtui.importers import Progress

MEGABYTE = 1_000_000


def progress_line(progress: Progress, seconds: float) -> str:
    """How far a read is: what was read of how much, and how long it will go on at the rate so far.

    Args:
        progress: The read's.
        seconds: How long it has been going on.
    """
    done, total = progress.bytes_read, progress.bytes_total
    if not total:
        return f"Reading the log: {done / MEGABYTE:,.0f} MB"
    line = f"Reading the log: {done / MEGABYTE:,.0f} of {total / MEGABYTE:,.0f} MB ({min(100, 100 * done // total)}%)"
    if done and total > done and seconds > 0:
        line += f", {max(1, (total - done) * seconds / done):,.0f} s to go"
    return line
