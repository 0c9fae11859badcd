"""The language of what a command prints: of alerts, levels and customers, which people read."""

from __future__ import annotations

import click

from alerts.texts import LANGUAGES

language_option = click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of what is printed."
)
