"""Runs ``cqtui optimize`` as a process and holds against it what its store and the upstream's log say.

The upstream's log is the proof of what was sent, the store of what was kept and paid for.
"""

from __future__ import annotations

import collections
import functools
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from cqtui.engine.calling import call_key
from cqtui.gateway.portkey import endpoint_of
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Usage
from cqtui.registry.loader import Registry, load_registry
from cqtui.registry.pricing import cost_of
from tests.fakes import write_log
from tests.integration.upstream import ROOT, RunningUpstream

AS_OF = date(2026, 11, 25)


@functools.cache
def registry() -> Registry:
    """The registry as the runs see it."""
    return load_registry((), today=AS_OF)


@dataclass(frozen=True)
class Ended:
    """A process that ended by itself."""

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON on stdout."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


@dataclass(frozen=True)
class Rig:
    """One log, one store, one gateway and one upstream."""

    folder: Path
    gateway_url: str
    upstream: RunningUpstream
    calls: int = 12
    candidates: str = "gpt-5.6-luna,gpt-5.4-nano"
    budget_usd: str = "20"
    patience_s: float = 120  # a run that takes longer hangs

    def configure(self, **gateway: float) -> None:
        """Write the log and a cqtui.toml with these settings of the gateway."""
        write_log(self.folder / "log.jsonl", self.calls)
        lines = ['current_model = "gpt-5.6-terra"', "[gateway]", f'custom_host = "{self.upstream.base_url}"']
        lines += [f"{name} = {value}" for name, value in gateway.items()]
        (self.folder / "cqtui.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start the process; ``environment`` is added to the little that it inherits."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        keys = {"OPENAI_API_KEY": "sk-test", "GROQ_API_KEY": "sk-test"}
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "cqtui", "optimize", "log.jsonl", "--yes", "--json"),
                *("--base-url", self.gateway_url, "--candidates", self.candidates, "--judge", "gpt-6.1-terra"),
                *("--budget-usd", self.budget_usd, "--as-of", AS_OF.isoformat()),
            ],
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(ROOT), **keys, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for its end; in no case may it show a traceback, overspend or pay twice."""
        try:
            stdout, stderr = process.communicate(timeout=self.patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert "Traceback" not in stderr, stderr
        self.check_spend()
        self.check_paid_once()
        return Ended(process.returncode, stdout, stderr)

    def run(self, **environment: str) -> Ended:
        """Start the process and wait for its end."""
        with self.start(**environment) as process:
            return self.wait(process)

    def finish(self, **gateway: float) -> dict[str, Any]:
        """Configure, run to exit code 0 and return the result, of which every call is accounted for."""
        self.configure(**gateway)
        ended = self.run()
        assert ended.code == 0, ended.stderr
        self.check_ledger(ended.result)
        return ended.result

    def rows(self) -> list[sqlite3.Row]:
        """The store's attempts, oldest first."""
        database = sqlite3.connect(self.folder / ".cqtui/cqtui.db")
        database.row_factory = sqlite3.Row
        try:
            return database.execute("SELECT * FROM attempts ORDER BY id").fetchall()
        finally:
            database.close()

    def spent_usd(self) -> Decimal:
        """What the store says was spent: the cost where it is known, else all that was set aside."""
        return sum((Decimal(row["cost_usd"] or row["reserved_usd"]) for row in self.rows()), Decimal(0))

    def bill_usd(self) -> Decimal:
        """What the provider charges for the answers that it worked on, whether or not they arrived."""
        return sum(
            (
                cost_of(
                    registry().get(entry["model"]),
                    Usage(
                        input_tokens=entry["billed"]["prompt_tokens"],
                        output_tokens=entry["billed"]["completion_tokens"],
                    ),
                    AS_OF,
                )
                or Decimal(0)
                for entry in self.upstream.logged()
                if entry["billed"] is not None
            ),
            Decimal(0),
        )

    def check_spend(self) -> None:
        """The provider's bill is covered by what was counted, and that by the cap."""
        bill, spent, cap = self.bill_usd(), self.spent_usd(), Decimal(self.budget_usd)
        assert bill <= spent, f"${spent} was counted, but the provider charges ${bill} (the cap is ${cap})"
        assert spent <= cap

    def check_paid_once(self) -> None:
        """Each request was announced in the store, and none was sent after its answer was received."""
        states = collections.defaultdict(list)
        for row in self.rows():
            if row["purpose"] != "ping":
                states[row["cache_key"]].append(row["state"])
        sent_after_an_answer = {key: found for key, found in states.items() if "received" in found[:-1]}
        assert sent_after_an_answer == {}
        sent = collections.Counter(
            self.call_key(entry) for entry in self.upstream.logged() if entry["purpose"] != "ping"
        )
        sent_unannounced = {key: count for key, count in sent.items() if count > len(states[key])}
        assert sent_unannounced == {}

    def call_key(self, entry: Mapping[str, Any]) -> str:
        """The key under which the answer to a request of the upstream's log is kept."""
        request = ChatRequest(
            model=entry["model"],
            provider=registry().get(entry["model"]).portkey_slug,
            messages=tuple(entry["messages"]),
            params=entry["params"],
            purpose=entry["purpose"],
        )
        return call_key(endpoint_of(self.gateway_url, self.upstream.base_url), request)

    def check_ledger(self, result: Mapping[str, Any]) -> None:
        """Nothing disappears: each call of the log is in one column of each candidate's ledger."""
        assert len(result["candidates"]) == len(self.candidates.split(","))
        for candidate in result["candidates"]:
            ledger = candidate["ledger"]
            columns = ledger["comparable"] + sum(ledger["failed"].values()) + ledger["unjudged"] + ledger["unasked"]
            assert ledger["replayed"] == columns + ledger["both_refused"]
            assert candidate["samples_evaluated"] == ledger["comparable"]
            if candidate["stopped"] is None and result["evaluation_stage"] in ("completed", "stopped_early"):
                assert ledger["replayed"] == self.calls
            assert candidate["stopped"] != ""
        assert abs(Decimal(str(result["verification_cost_usd"])) - self.spent_usd()) < Decimal("0.000001")


def figures(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without what may differ between two runs that saw the same: names, times, latency and spend."""
    varying = ("timestamp", "processing_time_seconds", "run_id", "verification_cost_usd")
    kept = {name: value for name, value in result.items() if name not in varying}
    kept["candidates"] = [
        {name: value for name, value in candidate.items() if not name.startswith("latency_")}
        for candidate in result["candidates"]
    ]
    return kept
