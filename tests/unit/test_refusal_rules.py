import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.checks import _plain, _refusal_rules, refusals
from cqtui.checks.refusals import detect_refusal
from tests.unit.test_refusals import EXAMPLES

PARSER: Any = importlib.import_module("re._parser")
GATED = (*_refusal_rules.ANY_LENGTH, *_refusal_rules.SHORT_ONLY)
UNGATED = {"missing", "senseless", "exempt", "norm", "ethics", "help", "letter", "loaded", "judged"}
NEEDED = {"opener", "objection", "moralising", "asks", "missing", "weak", "exempt", "help", "letter", "judged"}
LANGUAGES = tuple(_refusal_rules.table())
ANYTHING = "\0"
MANY_TURNS = 80


def gated_items(layers: Iterable[str] = GATED) -> Iterator[tuple[str, dict[str, Any]]]:
    for language, section in _refusal_rules.table().items():
        for layer in layers:
            yield from ((language, item) for item in section.get(layer, ()))


def is_spaced(language: str) -> bool:
    return bool(_refusal_rules.table()[language].get("spaced", True))


def as_written_in_text(language: str, literal: str) -> str:
    return f" {literal}" if is_spaced(language) else literal


class Endings:
    """What texts may end in that match a pattern so far and have none of the literals in them."""

    def __init__(self, literals: list[str]) -> None:
        self.literals = literals
        self.kept = max(map(len, literals))

    def after(self, endings: set[str], pattern: Any) -> set[str]:
        for kind, argument in pattern:
            endings = self._after_item(endings, str(kind), argument)
        return endings

    def _after_item(self, endings: set[str], kind: str, argument: Any) -> set[str]:
        match kind:
            case "LITERAL":
                return self._with(endings, [chr(argument)])
            case "IN":
                known = all(str(inner) == "LITERAL" for inner, _ in argument)
                return self._with(endings, [chr(value) for _, value in argument] if known else [ANYTHING])
            case "ANY" | "NOT_LITERAL":
                return self._with(endings, [ANYTHING])
            case "BRANCH":
                return set().union(*(self.after(endings, branch) for branch in argument[1]))
            case "SUBPATTERN":
                return self.after(endings, argument[-1])
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeated(endings, *argument)
            case "AT" | "ASSERT" | "ASSERT_NOT":  # these only rule texts out
                return endings
        raise NotImplementedError(kind)

    def _with(self, endings: set[str], chars: list[str]) -> set[str]:
        longer = {ending + char for ending in endings for char in chars}
        return {text[-self.kept :] for text in longer if not any(literal in text for literal in self.literals)}

    def _repeated(self, endings: set[str], fewest: int, most: Any, pattern: Any) -> set[str]:
        for _ in range(fewest):
            endings = self.after(endings, pattern)
        found = set(endings)
        for _ in range(min(int(most) - fewest, MANY_TURNS)):
            endings = self.after(endings, pattern)
            if endings <= found:
                break
            found |= endings
        return found


def test_a_pattern_that_does_without_its_literals_is_noticed() -> None:
    assert Endings([" not "]).after({""}, PARSER.parse(" i(?: can)? (?:not|never) help"))
    assert not Endings([" not ", " never "]).after({""}, PARSER.parse(" i(?: can)? (?:not|never) help"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_match_of_a_pattern_has_one_of_its_literals(language: str) -> None:
    words = _refusal_rules.table()[language]["words"]
    for code, item in gated_items():
        if code == language:
            literals = [as_written_in_text(language, literal) for literal in item["has"]]
            assert not Endings(literals).after({""}, PARSER.parse(_refusal_rules.expand(item, words))), item


@pytest.mark.parametrize("short", [False, True])
def test_the_gate_finds_every_literal_and_names_its_language(short: bool) -> None:
    gate = _refusal_rules.gate(short)
    for language, item in gated_items(GATED if short else _refusal_rules.ANY_LENGTH):
        for literal in item["has"]:
            cues = gate.cues(as_written_in_text(language, literal))
            assert any(language in _refusal_rules.languages()[cue] for cue in cues), literal


class OpenGate:
    """Lets every text through to every rule."""

    def cues(self, plain: str) -> set[str]:
        return set(_refusal_rules.languages())


PIECES = [text for labels in EXAMPLES.values() for texts in labels.values() for text in texts]
LITERALS = [literal for _, item in gated_items() for literal in item["has"]]
TEXTS = st.lists(st.sampled_from(PIECES + LITERALS) | st.text(max_size=12), max_size=12).flatmap(
    lambda pieces: st.sampled_from([" ", ". ", "\n", ""]).map(lambda between: between.join(pieces))
)


@given(TEXTS, st.sampled_from(["", "Why should bees be banned?", "Is it legal to keep bees?"]))
def test_the_gate_excludes_no_text_in_which_a_rule_holds(text: str, prompt: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_refusal_rules, "gate", lambda short: OpenGate())
        without = detect_refusal(text, prompt=prompt)
    assert detect_refusal(text, prompt=prompt) == without


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_finds_a_refusal_in_what_another_says(language: str) -> None:
    for other in LANGUAGES:
        for texts in EXAMPLES[other].values() if other != language else ():
            for text in texts:
                answer = refusals._prepare(text, None)
                finding = refusals._finding(_refusal_rules.language(language), answer)
                assert finding is None or not finding.is_refusal, (text, finding)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_layers_and_no_unknown_ones(language: str) -> None:
    rules = _refusal_rules.language(language)
    assert set(rules.layers) >= NEEDED
    assert set(rules.layers) <= {*GATED, *UNGATED}
    assert rules.sermon
    named = {name for layer in rules.layers.values() for rule in layer for name in (rule.also, rule.unless) if name}
    assert named <= set(rules.layers)


def unbounded(pattern: Any) -> Iterator[Any]:
    """The parts of a pattern that may be repeated without end."""
    for kind, argument in pattern:
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            if argument[1] is PARSER.MAXREPEAT:
                yield argument[2]
            yield from unbounded(argument[2])
        elif name == "BRANCH":
            yield from (part for branch in argument[1] for part in unbounded(branch))
        elif name == "SUBPATTERN":
            yield from unbounded(argument[-1])
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from unbounded(argument[1])


def every_pattern() -> Iterator[re.Pattern[str]]:
    for language in LANGUAGES:
        yield from (rule.pattern for layer in _refusal_rules.language(language).layers.values() for rule in layer)
    yield from (_refusal_rules.courtesy(), _refusal_rules.gate(True).words, _refusal_rules.gate(False).words)
    for module in (refusals, _plain):
        yield from (value for value in vars(module).values() if isinstance(value, re.Pattern))


def test_no_endless_repetition_stands_within_another() -> None:
    patterns = list(every_pattern())
    assert len(patterns) > 100
    assert list(unbounded(next(unbounded(PARSER.parse("(?:a+ )*")))))
    for pattern in patterns:
        for part in unbounded(PARSER.parse(pattern.pattern, pattern.flags & ~re.UNICODE)):
            assert not list(unbounded(part)), pattern.pattern


def test_characters_that_unfold_into_many_are_read_no_further_than_others() -> None:
    assert len(_plain.fold(_plain.read("\ufdfa" * _plain.HEAD))) < _plain.HEAD + 20


PLAIN = st.text(alphabet="aB \n\t*_#'\u2019\u201c\u200b\u00ad\u00e9\u6211\u3002\u00a0-", max_size=60)


@given(PLAIN)
def test_folding_keeps_track_of_every_character(text: str) -> None:
    source = _plain.read(text)
    plain = _plain.fold(source)
    assert "  " not in plain
    assert not set("*_#\u200b\u00ad\u2019") & set(plain)
    for place in range(1, len(plain.rstrip())):
        if plain[place] != " ":
            start, end = source.span(plain, place, place + 1)
            assert end == start + 1
            assert plain[place] == _plain._same_width(text[start:end]).lower()
