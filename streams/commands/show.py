"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 10_000


def print_json(found: object) -> None:
    """Print one line of JSON; what JSON has no form for (amounts, dates) as text.

    In ASCII, so that neither the locale nor a name from strangers can break it.
    """
    click.echo(json.dumps(found, default=str))


def tell(found: object, words: str, as_json: bool) -> None:
    """Print what a command has done: ``found`` for a program, or ``words`` for a person."""
    if as_json:
        print_json(found)
    else:
        click.echo(words)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their columns. The first one, an id that the next command takes, is never cut.

    On a terminal the others are broken to fit; in a file or a pipe each row is one line.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    table = Table(box=None)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
