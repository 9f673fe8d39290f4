"""``cqtui analyze``: the original's /analyze, key for key."""

from __future__ import annotations

import asyncio
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from cqtui.engine.analysis import Analysis, analyze_async
from cqtui.environment import database_path
from cqtui.errors import BadInputError
from cqtui.report.filters import milliseconds, money, plain
from cqtui.settings import load_settings


def analysis_response(found: Analysis) -> dict[str, Any]:
    """The original's response; null where a figure is unknown."""
    chosen = found.recommended
    score = f"{chosen.quality_score:.1f}" if chosen is not None and chosen.quality_score is not None else "unknown"
    reasoning = (
        f"{chosen.model_name} recommended for {found.use_case} with {score}/100 quality score"
        if chosen is not None
        else "No model's answer could be both judged and priced"
    )
    return {
        "use_case": found.use_case,
        "recommended_model": chosen.model_name if chosen is not None else None,
        "reasoning": reasoning,
        "cost_savings_percent": found.cost_savings_percent,
        "quality_impact_percent": found.quality_impact_percent,
        "models": [
            {
                "model_name": answer.model_name,
                "quality_score": answer.quality_score,
                "cost": None if answer.cost_usd is None else float(answer.cost_usd),
                "latency_ms": answer.latency_ms,
                "response": answer.response,
                "success": answer.success,
            }
            for answer in found.answers
        ],
    }


@click.command("analyze", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("prompt")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml here, if any]")
@click.option("--current-model", help="The model to compare with.")
@click.option("--candidates", help="Model names, comma-separated. [default: three cheaper ones, spread over price]")
@click.option("--use-case", help="E.g. general, coding.")
@click.option("--provider", type=click.Choice(["portkey", "local"]), default="portkey", show_default=True)
@click.option("--base-url", help="A gateway or OpenAI-compatible server in place of hosted Portkey.")
@click.option("--budget-usd", type=Decimal, help="The most this may spend. [default: 1.00]")
@click.option("--judge", help="The judging model.")
@click.option("--no-redact", is_flag=True, help="Send the prompt as it is: nothing in it is replaced.")
@click.option("--yes", is_flag=True, help="Agree to sending the prompt and spending up to the budget.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON to stdout.")
def command(
    prompt: str,
    config: Path | None,
    current_model: str | None,
    candidates: str | None,
    use_case: str | None,
    provider: str,
    base_url: str | None,
    budget_usd: Decimal | None,
    judge: str | None,
    no_redact: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask PROMPT of the current model and cheaper ones; judge and price each answer.

    One prompt shows a tendency, not evidence: use optimize with a log for a decision.

    \b
    Example:
      cqtui analyze "Explain VAT reverse charge in two sentences" --current-model gpt-6.1-sol --yes
    """
    settings = load_settings(
        config,
        {
            "current_model": current_model,
            "candidates": tuple(n.strip() for n in candidates.split(",") if n.strip()) if candidates else None,
            "use_case": use_case,
            "provider": provider,
            "gateway.base_url": base_url,
            "budget.usd": budget_usd,
            "judge.models": (judge,) if judge else None,
            "privacy.redact": False if no_redact else None,
        },
    )
    if provider == "portkey" and not yes:
        if not sys.stdin.isatty():
            raise BadInputError("This would spend money.", "Add --yes to agree.")
        click.confirm(f"Send this prompt to {settings.n_top + 1} models and a judge, for at most "
                      f"{money(settings.budget.usd)}?", abort=True, err=True)  # fmt: skip
    found = asyncio.run(analyze_async(prompt, settings, database=database_path()))
    response = analysis_response(found)
    if as_json:
        click.echo(json.dumps(response, indent=2, ensure_ascii=False))
        return
    for answer in found.answers:
        score = "unjudged" if answer.quality_score is None else f"{answer.quality_score:.0f}/100"
        figures = f"{score:>9}  {money(answer.cost_usd):>10}  {milliseconds(answer.latency_ms):>8}"
        click.echo(f"{answer.model_name:<28} {figures}  {plain(answer.error or answer.response)[:60]}")
    click.echo(response["reasoning"] + ".")
