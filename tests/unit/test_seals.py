"""What a seal holds for, and which secret it is made with."""

from __future__ import annotations

import copy
import hmac
import pickle
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.engine.sealing import seals_for
from cqtui.environment import store_secret
from cqtui.errors import BadInputError
from cqtui.store import batches, cache, labels, runs
from cqtui.store.database import Database, connect
from cqtui.store.migrations import MIGRATIONS, migrate
from cqtui.store.seals import Seals
from tests.sealed import (
    BAD,
    GOOD,
    OTHER,
    SECRET,
    settings,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "cqtui.db"


TEXT = st.text(st.characters(codec=None), max_size=30)


def test_a_seal_is_what_the_decision_record_says() -> None:
    key = hmac.digest(SECRET.encode(), b"cqtui store seal v1", "sha256")
    message = b"\0\0\0\0\0\0\0\x06labels\0\0\0\0\0\0\0\x01k\0\0\0\0\0\0\0\x02\xc3\xbc"
    assert Seals(SECRET).seal("labels", ("k",), "ü") == hmac.digest(key, message, "sha256").hex()


@given(TEXT, st.lists(TEXT, min_size=1, max_size=3), st.lists(TEXT, max_size=3), st.data())
def test_any_changed_character_breaks_the_seal(
    table: str, key: list[str], value: list[str], data: st.DataObject
) -> None:
    seals = Seals(SECRET)
    seal = seals.seal(table, tuple(key), *value)
    assert seals.holds(seal, table, tuple(key), *value)
    fields = [table, *key, *value]
    which = data.draw(st.sampled_from([n for n, field in enumerate(fields) if field] or [-1]))
    if which < 0:
        return
    place = data.draw(st.integers(0, len(fields[which]) - 1))
    other = data.draw(st.characters().filter(lambda c: c != fields[which][place]))
    fields[which] = fields[which][:place] + other + fields[which][place + 1 :]
    changed_key, changed_value = tuple(fields[1 : 1 + len(key)]), fields[1 + len(key) :]
    assert not seals.holds(seal, fields[0], changed_key, *changed_value)


@given(st.binary(min_size=1, max_size=200), st.integers(0), st.integers(1, 255))
def test_any_changed_byte_of_a_seal_value_or_key_breaks_it(content: bytes, place: int, flip: int) -> None:
    seals = Seals(SECRET)
    text = content.decode("latin-1")
    place %= len(text)
    changed = text[:place] + chr(ord(text[place]) ^ flip) + text[place + 1 :]
    seal = seals.seal("cache", (text,), text)
    assert not seals.holds(seal, "cache", (text,), changed)
    assert not seals.holds(seal, "cache", (changed,), text)
    at = place % len(seal)
    assert not seals.holds(seal[:at] + chr(ord(seal[at]) ^ flip) + seal[at + 1 :], "cache", (text,), text)


@given(st.lists(TEXT, min_size=2, max_size=4), st.data())
def test_text_does_not_move_between_fields(fields: list[str], data: st.DataObject) -> None:
    seals = Seals(SECRET)
    whole = "".join(fields)
    cut = data.draw(st.integers(0, len(whole)))
    moved = [whole[:cut], whole[cut:], *[""] * (len(fields) - 2)]
    if moved != fields:
        assert not seals.holds(seals.seal("cache", ("k",), *fields), "cache", ("k",), *moved)


@pytest.mark.parametrize("seal", [None, "", b"ab", 7, 1.5, "é" * 64, "\ud800"])
def test_what_is_no_seal_does_not_hold(seal: object) -> None:
    assert not Seals(SECRET).believes(seal, "cache", ("k",), "v")
    assert not Seals(SECRET).believes(Seals(OTHER).seal("cache", ("k",), "v"), "cache", ("k",), "v")
    assert not Seals(SECRET).believes(Seals(SECRET).seal("cache", ("k",), "v"), "cache", ("k",), b"v")


def test_seals_are_not_copied_or_pickled() -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            attempt(Seals(SECRET))
    assert not hasattr(Seals(SECRET), "__dict__")


def test_the_secret_is_chosen_by_name_alone() -> None:
    names = ("openai", "anthropic", "mistral-ai")
    everything = {
        "CQTUI_STORE_SECRET": "s",
        "PORTKEY_API_KEY": "p",
        "ANTHROPIC_API_KEY": "a",
        "MISTRAL_AI_API_KEY": "m",
        "OPENAI_API_KEY": "o",
    }
    for name in list(everything):
        assert store_secret(names, everything) == (name, everything[name])
        everything[name] = ""  # as a secret is in a workflow that may not see it
    assert store_secret(names, everything) is None


def test_a_providers_key_serves_where_a_gateway_of_ones_own_does() -> None:
    one = {"OPENAI_API_KEY": "sk-" + "o" * 30}
    seals = seals_for(settings(), one)
    assert seals is not None
    assert seals.holds(Seals(one["OPENAI_API_KEY"]).seal("cache", ("k",)), "cache", ("k",))


def test_no_secret_or_a_short_one_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match=r"sealed = true needs a secret.*Set CQTUI_STORE_SECRET") as no_secret:
        seals_for(settings(), {})
    assert no_secret.value.exit_code == 2
    with pytest.raises(BadInputError, match="PORTKEY_API_KEY is too short") as short:
        seals_for(settings(), {"PORTKEY_API_KEY": "guessme"})
    assert "guessme" not in str(short.value)
    assert seals_for(settings(sealed=False), {}) is None


@pytest.mark.parametrize("provider", ["rehearsal", "recorded", "local"])
def test_what_costs_nothing_needs_no_secret_and_believes_nothing_kept(provider: str) -> None:
    first, second = (seals_for(settings(provider=provider), {}) for _ in range(2))
    assert first is not None
    assert second is not None
    seal = first.seal("cache", ("k",), "v")
    assert first.holds(seal, "cache", ("k",), "v")
    assert not second.holds(seal, "cache", ("k",), "v")
    with pytest.raises(BadInputError, match="needs a secret"):
        seals_for(settings(provider=provider), {}, lasting=True)


@pytest.mark.parametrize("column", ["expires_at", "source_versions_json", "value_json", "seal", "cache_key"])
def test_every_column_that_is_relied_on_is_sealed(path: Path, column: str) -> None:
    seals = Seals(SECRET)
    with Database(path, seals) as store:
        store.run(lambda c: cache.set_value(c, "pair:1", 1, source_versions={"rubric": "1"}, seals=seals))
        store.run(lambda c: c.execute("UPDATE cache SET hit_count = 7, created_at = '2020-01-01', version = '0'"))
        assert cache.look_up(store, "pair:1") == 1
        changed = {"expires_at": "9999", "cache_key": "pair:2"}.get(column, "2")
        store.run(lambda c: c.execute(f"UPDATE cache SET {column} = ?", (changed,)))
        assert cache.look_up(store, "pair:2" if column == "cache_key" else "pair:1") is None
        assert seals.doubted == 1


def test_amounts_below_nothing_do_not_lift_a_budget(path: Path) -> None:
    now = datetime.now(UTC)
    with closing(connect(path)) as connection:
        runs.start_run(connection, "r", "plan", "portkey")
        for amount in ("1.5", "-1000", "NaN", "-Infinity", "nonsense"):
            connection.execute(
                "INSERT INTO attempts (run_id, cache_key, purpose, model_id, record_id, attempt, state, reserved_usd,"
                " cost_usd, sent_at) VALUES ('r', 'k', 'replay', 'm', '1', 1, 'received', '0', ?, ?)",
                (amount, now.isoformat()),
            )
        assert runs.spend_of(connection, "r").total_usd == Decimal("1.5")
        assert runs.month_spend(connection, now) == Decimal("1.5")


def test_a_batch_job_that_was_put_in_is_not_waited_for(path: Path) -> None:
    seals = Seals(SECRET)
    with closing(connect(path)) as connection:
        batches.keep_job(connection, "job-1", ["model_output:a", "model_output:b"], seals=seals)
        assert batches.job_of(connection, "model_output:a", seals=seals) == "job-1"
        assert batches.job_of(connection, "model_output:a", seals=Seals(OTHER)) is None
        connection.execute("UPDATE batch_calls SET job_id = 'job-2' WHERE cache_key = 'model_output:a'")
        assert batches.job_of(connection, "model_output:a", seals=seals) is None
        assert batches.job_of(connection, "model_output:a") == "job-2"
        # What waits in no job of ours was perhaps paid for: it keeps its reservation.
        runs.start_run(connection, "r", "plan", "portkey")
        for key in ("model_output:a", "model_output:b"):
            runs.send_attempt(
                connection,
                run_id="r",
                cache_key=key,
                purpose="replay",
                model_id=GOOD,
                record_id="1",
                attempt=1,
                reserved_usd=Decimal("0.5"),
            )
        assert batches.take_up_again(connection, "r", seals=seals) == 1
        assert runs.spend_of(connection, "r").wasted_usd == Decimal("0.5")
        assert batches.take_up_again(connection, "r") == 1


def test_labels_hold_for_their_model_record_answer_and_word(path: Path) -> None:
    seals = Seals(SECRET)
    with closing(connect(path)) as connection:
        labels.keep_label(connection, "1", GOOD, "digest", "worse", seals=seals)
        assert labels.labels_of(connection, GOOD, seals=seals) == {("1", "digest"): "worse"}
        for column, value in {"label": "better", "record_id": "2", "model_id": BAD, "answer_digest": "x"}.items():
            connection.execute("SAVEPOINT one")
            connection.execute(f"UPDATE labels SET {column} = ?", (value,))
            for model_id in (GOOD, BAD):
                assert labels.labels_of(connection, model_id, seals=seals) == {}
            connection.execute("ROLLBACK TO one")
        assert labels.labels_of(connection, GOOD, seals=seals)


def test_a_store_of_before_keeps_its_records(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr("cqtui.store.migrations.MIGRATIONS", [m for m in MIGRATIONS if m[0] < "0007"])
        migrate(connection)
        connection.execute("INSERT INTO cache VALUES ('pair:1', '1', '2026', '9999', '1', '{}', 0)")
        connection.execute("INSERT INTO labels VALUES ('1', ?, 'digest', 'same', '2026')", (GOOD,))
    with closing(connect(path)) as connection:
        assert cache.find(connection, "pair:1") == 1
        assert cache.find(connection, "pair:1", seals=Seals(SECRET)) is None
        assert labels.labels_of(connection, GOOD) == {("1", "digest"): "same"}
        assert labels.labels_of(connection, GOOD, seals=Seals(SECRET)) == {}
