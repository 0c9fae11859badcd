"""``creditpulse policy``: check a policy file before it decides, and explain which of its layers sets a value."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from models.account import Master
from models.policy_check import dead_settings
from models.policy_layers import Explained
from schemas.errors import InvalidInput
from streams.commands.options import json_option
from streams.commands.show import print_json
from streams.policy_file import read_policy

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """The policy file: is it right, and which value holds for whom."""


@policy.command()
@click.argument("file", metavar="FILE", type=_FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Say whether a policy file is right, and which of its settings have no effect.

    Every combination of overrides that may meet in one customer is tried as well.

    \b
    Example:  creditpulse policy check my-policy.yaml
    Exit codes: 0 right (there may be warnings); 2 wrong, with file, line and reason.
    """
    try:
        layered = read_policy(file)
    except InvalidInput as error:
        if as_json:
            fault = {"code": error.code, "field": error.field, "message": error.message}
            print_json({"file": str(file), "valid": False, "error": fault, "warnings": []})
        raise
    warnings = dead_settings(layered)
    layers = [layer.label for layer in (*layered.book, *layered.overrides)]
    if as_json:
        found = {"file": str(file), "valid": True, "version": layered.base.version, "layers": layers}
        print_json(found | {"warnings": [asdict(warning) for warning in warnings]})
        return
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    told = f"{len(warnings)} without effect" if warnings else "every setting has an effect"
    click.echo(f"{file}: valid, version {layered.base.version}, {len(layers)} layers, {told}")


@policy.command()
@click.argument("file", metavar="FILE", type=_FILE)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--customer", default="", help="Id of the customer.")
@click.option("--segment", help="Its segment.")
@click.option("--sector", help="Its sector.")
@click.option("--region", help="Its region.")
@click.option("--group", help="Id of its group's parent.")
@json_option
def explain(
    file: Path,
    paths: tuple[str, ...],
    customer: str,
    segment: str | None,
    sector: str | None,
    region: str | None,
    group: str | None,
    as_json: bool,
) -> None:
    """Show which value holds for a customer, which layer it comes from, and what each layer says.

    PATH is a value (ladder.WATCH.enter) or a section (ladder); without one, all that differs from the default.

    \b
    Example:  creditpulse policy explain my-policy.yaml --sector retail --customer C-17 measures.WATCH
    Exit codes: 0 done; 2 the file is wrong, or the policy has no such path.
    """
    layered = read_policy(file)
    master = Master(segment=segment, sector=sector, region=region, group_parent=group)
    layers = layered.layers_of(customer, master)
    if paths:
        found = [value for path in paths for value in layered.explain(path, layers)]
    else:
        found = [value for value in layered.explain("", layers) if value.layer != "default"]
    if as_json:
        print_json([_plain(value) for value in found])
        return
    _show(found, ["default", *(layer.label for layer in (*layered.book[1:], *layers))])


def _plain(value: Explained) -> dict[str, Any]:
    said = [{"layer": layer, "value": each} for layer, each in value.says]
    return {"path": value.path, "value": value.value, "layer": value.layer, "place": value.place, "says": said}


def _show(found: list[Explained], layers: list[str]) -> None:
    click.echo("layers: " + " < ".join(layers))
    for value in found:
        click.echo(f"{value.path} = {_text(value.value)}")
        below = "".join(f", over {layer}: {_text(each)}" for layer, each in reversed(value.says[:-1]))
        click.echo(f"    from {value.layer} ({value.place}){below}")


def _text(value: object) -> str:
    return json.dumps(value, default=str)
