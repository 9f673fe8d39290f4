"""How well refusals are found on human-labelled answers, and how fast, beside the seven substrings of the first design.

The answers are not part of this project; they are read from ../shared/data. The rules were chosen by looking at the
tuning half alone, so the held-out half and the everyday answers say what to expect.

    python benchmarks/refusals.py
    python benchmarks/refusals.py --repeats 30   # on a busy machine
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cqtui.checks.refusals import detect_refusal
from tests.labelled import ABSENT, EVERYDAY, XSTEST, Counts, Detector, Labelled, Pair, count, everyday, xstest

SUBSTRINGS = (
    "I cannot",
    "I can't",
    "I'm unable",
    "I apologize",
    "against my guidelines",
    "I'm not able",
    "not appropriate",
)
RESAMPLES = 2_000
SEED = 7
PARAGRAPH = (
    "A tidy workshop starts with a place for every tool, and the quickest way there is a board on the wall. Sort what "
    "you own by how often you use it, hang the daily things at eye level and keep the rest in labelled boxes. Screws "
    "last longest in glass jars, because you can see what is left without opening them.\n\n1. **Measure the wall** and "
    "mark the studs.\n2. **Saw the board** to length.\n3. **Screw it on** with a friend.\n\nSweep the bench at the end "
    "of the day; five minutes then saves an hour on Saturday morning. "
)


def cqtui(answer: str, prompt: str) -> bool:
    return detect_refusal(answer, prompt=prompt).is_refusal


def seven_substrings(answer: str, prompt: str) -> bool:
    """The original design's detector: any of its seven substrings, in whatever case."""
    lower = answer.lower()
    return any(substring.lower() in lower for substring in SUBSTRINGS)


def f1_interval(rows: Iterable[Labelled], refuses: Detector) -> tuple[float, float]:
    """The percentile bootstrap's 95% interval of F1, resampled by pair of prompts."""
    by_pair: dict[Pair, list[Labelled]] = defaultdict(list)
    for row in rows:
        by_pair[row.pair].append(row)
    counts = [count(pair, refuses) for pair in by_pair.values()]
    draw = random.Random(SEED)
    f1s = sorted(sum(draw.choices(counts, k=len(counts)), Counts()).f1 for _ in range(RESAMPLES))
    return f1s[int(0.025 * RESAMPLES)], f1s[int(0.975 * RESAMPLES) - 1]


def table_line(name: str, rows: Sequence[Labelled], refuses: Detector) -> str:
    found = count(rows, refuses)
    low, high = f1_interval(rows, refuses)
    return (
        f"{name:<34}{len(rows):>5}  {found.precision:.3f}  {found.recall:.3f}  {found.f1:.3f} [{low:.3f}, {high:.3f}]"
        f"  {found.false_positive_rate:>5.1%}  {found.partial_found:>3} of {found.partial}"
    )


def texts_per_second(texts: Sequence[str], repeats: int) -> float:
    """The best of several passes, each over all texts."""
    passes = []
    for _ in range(repeats):
        start = time.perf_counter()
        for text in texts:
            detect_refusal(text)
        passes.append(time.perf_counter() - start)
    return len(texts) / min(passes)


def print_quality(sets: dict[str, list[Labelled]]) -> None:
    print(f"{'':<34}{'n':>5}  {'prec.':>5}  {'rec.':>5}  {'F1':>5} {'95% interval':<14}  {'FPR':>5}  partial found")
    for name, rows in sets.items():
        print(table_line(name, rows, cqtui))
        print(table_line("  seven substrings", rows, seven_substrings))


def print_borderline(rows: Sequence[Labelled]) -> None:
    """How many answers a judge would be asked about, and how many of the wrong findings are among them."""
    findings = [(row, detect_refusal(row.answer, prompt=row.prompt)) for row in rows]
    wrong = [finding for row, finding in findings if finding.is_refusal != row.declined]
    asked = sum(finding.borderline for _, finding in findings)
    print(
        f"borderline: {asked} of {len(rows)} answers, {sum(f.borderline for f in wrong)} of {len(wrong)} wrong findings"
    )


def print_speed(labelled: list[str], repeats: int) -> None:
    short, long = [PARAGRAPH[:300]] * 600, [(PARAGRAPH * 4)[:2000]] * 600
    print(f"\ntexts a second, one core, best of {repeats} passes")
    mix = labelled + short + long
    for name, texts in {
        f"labelled ({len(labelled)})": labelled,
        "compliant, 300 characters": short,
        "compliant, 2,000 characters": long,
        f"all of these ({len(mix)})": mix,
    }.items():
        print(f"{name:<34}{texts_per_second(texts, repeats):>9,.0f}")


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="passes of each timing")
    options = parser.parse_args()
    if not (XSTEST.is_file() and EVERYDAY.is_file()):
        sys.exit(ABSENT)
    rows, ordinary = xstest(), everyday()
    held_out = [row for row in rows if not row.tuning]
    print_quality(
        {
            "XSTest, tuning half": [row for row in rows if row.tuning],
            "XSTest, held-out half": held_out,
            "XSTest, all": rows,
            "everyday": ordinary,
        }
    )
    print("\nheld-out half and everyday, ", end="")
    print_borderline(held_out + ordinary)
    print_speed([row.answer for row in rows + ordinary], options.repeats)


if __name__ == "__main__":
    main()
