from __future__ import annotations

import itertools
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cqtui.engine import variety
from cqtui.engine.plan import make_plan
from cqtui.engine.variety import Variety, variety_of
from cqtui.models import LoggedCall, Message, Part
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings
from tests.fakes import logged_call

AS_OF = date(2026, 11, 26)

LONG = "Please summarise the following complaint of a customer about a late parcel in two short sentences for our agent"


def call(number: int, text: str, system: str = "be brief") -> LoggedCall:
    messages = [Message(role="system", parts=(Part(text=system),)), Message(role="user", parts=(Part(text=text),))]
    return logged_call(number).model_copy(update={"messages": tuple(messages)})


def test_equal_and_nearly_equal_prompts_are_counted_once() -> None:
    texts = [LONG, f"  {LONG}\n", f"{LONG}!", f"{LONG} today", "Where is my parcel?", "Is this spam? Win a prize now"]
    assert variety_of([call(number, text) for number, text in enumerate(texts)]) == Variety(6, 5, 3)


def test_a_shared_system_prompt_makes_no_prompts_equal() -> None:
    assert variety_of([call(n, text, LONG) for n, text in enumerate(["one", "two", "", "three"])]) == Variety(4, 4, 4)


def test_nothing_is_nothing() -> None:
    assert variety_of([]) == Variety(0, 0, 0)


def test_repeats_are_reported_and_kept() -> None:
    calls = [call(number, "Where is my parcel?" if number % 2 else f"{number} {LONG} {number}") for number in range(20)]
    plan = make_plan(Settings(as_of=AS_OF), load_registry(today=AS_OF), calls)
    assert len(plan.calls) == 20
    (note,) = [note for note in plan.notes if "word for word" in note]
    assert note.startswith("Of 20 calls, 9 repeat another's prompt word for word")
    distinct = make_plan(Settings(as_of=AS_OF), load_registry(today=AS_OF), [call(n, f"{n} of {n}") for n in range(5)])
    assert not any("word for word" in note for note in distinct.notes)


words = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=14).map(" ".join)


@given(st.lists(words, max_size=12))
def test_no_pair_of_near_prompts_is_missed(texts: list[str]) -> None:
    calls = [call(number, text) for number, text in enumerate(texts)]
    distinct = list(dict.fromkeys(" ".join(text.split()) for text in texts))
    sets = [variety._shingles(f"user: {text}") for text in distinct]
    linked = {number: {number} for number in range(len(distinct))}
    for one, other in itertools.combinations(range(len(distinct)), 2):
        if len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= 0.8:
            both = linked[one] | linked[other]
            linked.update(dict.fromkeys(both, both))
    groups = {frozenset(group) for group in linked.values()}
    assert variety_of(calls) == Variety(len(texts), len(distinct), len(groups))
