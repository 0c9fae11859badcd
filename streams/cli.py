"""The one entry point, ``creditpulse``: finds commands by name and turns our errors into messages and exit codes."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

import click
from pydantic import ValidationError

from schemas.errors import CreditPulseError, InvalidInput

_COMMANDS = {
    "archive": "streams.commands.archive:archive",
    "audit": "streams.commands.audit:audit",
    "backtest": "streams.commands.backtest:backtest",
    "compare": "streams.commands.compare:compare",
    "dead-letters": "streams.commands.dead_letters:dead_letters",
    "import": "streams.commands.import_ledger:import_ledger",
    "policy": "streams.commands.policy:policy",
    "replay": "streams.commands.replay:replay",
    "schemas": "streams.commands.schemas:schemas",
    "simulate": "streams.commands.simulate:simulate",
    "topics": "streams.commands.topics:topics",
    "tune": "streams.commands.tune:tune",
    "worker": "streams.commands.worker:worker",
}
EXIT_FAILED, EXIT_WRONG_INPUT = 1, 2


class _Commands(click.Group):
    """Loads a command when it is asked for; packages further right add theirs as entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_COMMANDS, *(point.name for point in entry_points(group="creditpulse.commands"))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = _COMMANDS.get(cmd_name)
        if where is not None:
            module, _, name = where.partition(":")
            command: click.Command = getattr(importlib.import_module(module), name)
            return command
        for point in entry_points(group="creditpulse.commands"):
            if point.name == cmd_name:
                loaded: click.Command = point.load()
                return loaded
        return None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except InvalidInput as error:
            click.echo(f"creditpulse: {error}", err=True)
            raise click.exceptions.Exit(EXIT_WRONG_INPUT) from error
        except CreditPulseError as error:
            click.echo(f"creditpulse: {error}", err=True)
            raise click.exceptions.Exit(EXIT_FAILED) from error
        except ValidationError as error:
            if error.title != "Settings":
                raise
            for item in error.errors():
                name = "CREDITPULSE_" + "_".join(str(part) for part in item["loc"]).upper()
                click.echo(f"creditpulse: {name}: {item['msg']}", err=True)
            raise click.exceptions.Exit(EXIT_WRONG_INPUT) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="creditpulse")
def main() -> None:
    """Event-driven credit monitor: payments, overdue notices and orders in; credit levels and alerts out.

    \b
    Start with:  creditpulse demo
    Settings come from the environment (CREDITPULSE_...), see .env.example.
    """


if __name__ == "__main__":
    main()
