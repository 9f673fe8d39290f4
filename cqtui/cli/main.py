"""The command group: loads a command's module only when it is asked for, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

from cqtui import __version__
from cqtui.cli.lines import tell
from cqtui.errors import CqtuiError

COMMANDS = {
    "analyze": ("cqtui.cli.analyze", "One prompt across models, judged and priced."),
    "cache": ("cqtui.cli.cache", "Paid results that are kept: count them, forget them."),
    "demo": ("cqtui.cli.demo", "The bundled example, with simulated models and no key."),
    "export": ("cqtui.cli.export", "A stored run as a Portkey config, or as a line a candidate (CSV, JSON)."),
    "health": ("cqtui.cli.health", "Key, gateway, models, database and disk, before a run."),
    "history": ("cqtui.cli.history", "Past runs, their trend, and two of them compared."),
    "init": ("cqtui.cli.init", "Look at the logs, propose settings, write a commented cqtui.toml."),
    "label": ("cqtui.cli.label", "Say of pairs, blind, which answer is better; 30 check the judge."),
    "local": ("cqtui.cli.local", "Local models: install the embedded weights."),
    "logs": ("cqtui.cli.logs", "What is in a log, without calling anything; any format into ours."),
    "models": ("cqtui.cli.models", "The registry: models, prices, contradictions."),
    "optimize": ("cqtui.cli.optimize", "Find a cheaper model for a log, replay, judge, recommend."),
    "purge": ("cqtui.cli.purge", "Delete stored text of prompts and answers; figures stay."),
    "report": ("cqtui.cli.report", "A stored run again, as Markdown, HTML or JSON."),
    "serve": ("cqtui.cli.serve", "The terminal app in a browser, on this machine."),
}


class LazyGroup(click.Group):
    """Lists its commands from a table, so that ``--help`` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cqtui")
@click.option("--config", type=click.Path(path_type=Path), help="Of the terminal app: its settings file.")
@click.option("--profile", help="Of the terminal app: the profile of the settings that it opens.")
@click.option("--example", is_flag=True, help="Of the terminal app: open the bundled example, with simulated models.")
@click.pass_context
def cqtui(context: click.Context, config: Path | None, profile: str | None, example: bool) -> None:
    """Replay your LLM log on cheaper models and say, with evidence, whether to switch.

    Without a command: the terminal app, where stdin and stdout are a terminal.

    \b
    Examples:
      cqtui                                      # the terminal app
      cqtui --example                            # the same on the bundled example: no key, nothing sent
      cqtui demo                                 # no key, no network, simulated
      cqtui logs inspect logs/                   # what is in the log, no call
      cqtui init logs/                           # proposes settings, writes cqtui.toml
      cqtui optimize logs/ --dry-run             # candidates and cost, no call
      cqtui optimize logs/ --budget-usd 2 --yes
      cqtui export --format portkey-config       # 5% of the calls to the recommended model
    """
    if context.invoked_subcommand is not None:
        return
    in_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    # Textual reads this name, too: its screen is then somewhere else, as in the processes of `cqtui serve`.
    if not (in_terminal or os.environ.get("TEXTUAL_DRIVER")):
        click.echo(context.get_help())
        return
    from cqtui.tui.launch import run_app

    summary = run_app(config=config, profile=profile, example=example)
    if summary is not None and in_terminal:
        click.echo(summary, nl=False)


def main() -> None:
    """Run the command line; errors for users end in one line and their exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code = cqtui.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CqtuiError as error:
        tell(f"cqtui: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was paid for is kept: run the same command to go on.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
