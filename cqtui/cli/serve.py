"""``cqtui serve``: the terminal app in a browser."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import click

from cqtui.errors import BadInputError
from cqtui.web.access import TOKEN_VARIABLE, access_for, bracketed
from cqtui.web.listening import listen


def app_command(*, config: Path | None, profile: str | None, example: bool) -> list[str]:
    """The words of the command that starts the app with this Python; -P: never out of the working directory."""
    words = [sys.executable, "-P", "-m", "cqtui"]
    if config is not None:
        words.append(f"--config={config}")
    if profile is not None:
        words.append(f"--profile={profile}")
    return [*words, "--example"] if example else words


@click.command("serve", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="The address of this machine to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--allow-remote", is_flag=True, help="Let other machines in, with a token; also behind a reverse proxy.")
@click.option("--config", type=click.Path(path_type=Path), help="The settings file of the app.")
@click.option("--profile", help="The profile of the settings that it opens.")
@click.option("--example", is_flag=True, help="Open the bundled example, with simulated models.")
def command(host: str, port: int, allow_remote: bool, config: Path | None, profile: str | None, example: bool) -> None:
    """Serve the terminal app to a browser (extra: pip install "cqtui[web]").

    Each visitor has an app of their own over the same settings and store; closing the page ends it, as quitting does.
    Whoever is let in can spend your budget and read your log. From other machines that takes a token: it is part of the
    address that is printed, fresh at each start, or CQTUI_SERVE_TOKEN. There is no TLS: put a reverse proxy in front.

    \b
    Examples:
      cqtui serve                                # http://127.0.0.1:8765/, this machine only
      cqtui serve --example --port 0             # the bundled example, on a free port
      cqtui serve --host 0.0.0.0 --allow-remote  # other machines, with the token that it prints
    """
    try:
        from cqtui.web.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "textual_serve":
            raise
        raise BadInputError("The app in a browser needs the extra.", 'pip install "cqtui[web]"') from None
    given = os.environ.pop(TOKEN_VARIABLE, None)  # the visitors' processes have no need of it
    with listen(host, port, allow_remote=allow_remote) as listening:
        port = listening.getsockname()[1]
        access = access_for(host, port, remote=allow_remote, token=given)
        url = f"http://{bracketed(_reachable(host))}:{port}/"
        if access.token is not None:
            url += f"?token={access.token if given is None else f'${TOKEN_VARIABLE}'}"
        serve(
            listening,
            app_command(config=config, profile=profile, example=example),
            access,
            on_start=lambda: click.echo(f"cqtui is at {url}\nCtrl+C ends it."),
        )


def _reachable(host: str) -> str:
    """A name to open: the machine's own where all its addresses are listened on."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host
