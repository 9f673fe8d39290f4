import importlib.util
from collections.abc import Iterator

import pytest

from cqtui.checks import embedding
from cqtui.checks.embedding import embedding_similarity

needs_wordllama = pytest.mark.skipif(
    importlib.util.find_spec("wordllama") is None, reason="needs wordllama (pip install 'cqtui[local]')"
)


@pytest.fixture
def fresh() -> Iterator[None]:
    embedding._model.cache_clear()
    yield
    embedding._model.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_without_wordllama_there_is_no_similarity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert embedding_similarity("one text", "one text") is None


@needs_wordllama
def test_alike_texts_are_more_similar_than_unlike_ones() -> None:
    same = embedding_similarity("The refund was issued.", "The refund was issued.")
    alike = embedding_similarity("The refund was issued on Monday.", "We issued the refund Monday.")
    unlike = embedding_similarity("The refund was issued on Monday.", "Bananas grow in warm climates.")
    assert same is not None
    assert alike is not None
    assert unlike is not None
    assert 0 <= unlike < 0.5 < alike < same <= 1


@needs_wordllama
def test_a_negated_text_stays_similar_so_similarity_alone_must_not_pass() -> None:
    negated = embedding_similarity("The refund was issued.", "The refund was not issued.")
    assert negated is not None
    assert negated > 0.8


@needs_wordllama
def test_an_empty_text_has_no_similarity() -> None:
    assert embedding_similarity("", "a text") is None
    assert embedding_similarity("a text", " \n") is None


@needs_wordllama
def test_it_never_touches_the_network(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert embedding_similarity("a text", "another text") is not None
