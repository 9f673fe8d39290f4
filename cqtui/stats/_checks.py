"""Input checks shared by the statistical functions (standard library only)."""

import math
from collections.abc import Iterable


def finite(name: str, values: Iterable[float]) -> tuple[float, ...]:
    """Return the values as floats, refusing NaN and infinities.

    Args:
        name: What the values are, for the error message.
        values: Numbers in any unit.

    Raises:
        ValueError: If a value is NaN or infinite.
    """
    result = tuple(float(value) for value in values)
    for index, value in enumerate(result):
        if not math.isfinite(value):
            raise ValueError(f"{name}[{index}] is {value}, expected a finite number")
    return result


def finite_pairs(
    first_name: str, first: Iterable[float], second_name: str, second: Iterable[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return two finite sequences of equal length.

    Raises:
        ValueError: If a value is not finite or the lengths differ.
    """
    left, right = finite(first_name, first), finite(second_name, second)
    if len(left) != len(right):
        raise ValueError(f"{first_name} has {len(left)} values but {second_name} has {len(right)}")
    return left, right


def open_unit(name: str, value: float) -> float:
    """Return value if it lies strictly between 0 and 1, else raise ValueError."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}, expected strictly between 0 and 1")
    return value


def mean(values: tuple[float, ...]) -> float:
    """Return the mean of a non-empty tuple."""
    return math.fsum(values) / len(values)


def standard_error(values: tuple[float, ...]) -> float:
    """Return sd/sqrt(n), sd with n - 1, for n >= 2; rounding noise around a constant counts as exactly 0."""
    n, centre = len(values), mean(values)
    se = math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (n - 1) / n)
    return 0.0 if se <= 1e-12 * max(abs(value) for value in values) else se
