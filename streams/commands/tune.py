"""``creditpulse tune``: search a policy's thresholds on the firm's own past, and check them on a later span."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click

from schemas.errors import InvalidInput
from streams.commands.ledger_options import ledger_format, ledger_options
from streams.commands.money_options import assumptions, money_options
from streams.commands.options import FiniteRange, json_option, trailing_days_option
from streams.commands.out_folder import make_folder, writing_below
from streams.commands.progress import progress_bar
from streams.commands.show import print_json, print_table
from streams.policy_file import named_policy
from streams.sources.past import past_events


@click.command()
@click.argument("source", metavar="LEDGER", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--policy", default="default", show_default=True, help="Where to start: a file, or a pack's name.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results.")
@click.option("--metric", type=click.Choice(["precision", "net"]), default="precision", show_default=True,
              help="precision of warnings with enough recall and lead, or net money in the main currency.")  # fmt: skip
@click.option("--recall", default=0.88, show_default=True, type=FiniteRange(0, 1), help="precision: at least.")
@click.option("--lead", default=40.0, show_default=True, type=FiniteRange(0, 365), help="precision: median days.")
@click.option("--trials", default=30, show_default=True, type=click.IntRange(1, 10_000), help="Policies to try.")
@click.option("--seed", default=1, show_default=True, type=int, help="The same seed finds the same policy.")
@click.option("--customers", type=click.IntRange(1), help="Search on so many customers, drawn with the seed.")
@trailing_days_option
@ledger_options
@money_options
@json_option
def tune(
    source: Path,
    policy: str,
    out: Path,
    metric: str,
    recall: float,
    lead: float,
    trials: int,
    seed: int,
    customers: int | None,
    trailing_days: int,
    mapping: tuple[str, ...],
    currency: str | None,
    date_format: str | None,
    number_rows: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Search thresholds on the first 70 % of the time, and tell what they are worth on the last 30 %.

    Writes tune.json and tuned-policy.yaml. The same seed finds the same policy. Each trial runs the whole engine: on
    a large ledger begin with --customers.

    \b
    Example:  creditpulse tune ledger.csv.gz --policy my-policy.yaml --trials 50 --out build/tune
    Exit codes: 0 done (whether or not the gain holds: see `holds`); 2 the ledger, the policy or --out is wrong.
    """
    # Imported when it runs: the help of `creditpulse` would wait for it.
    from streams.backtesting.compare import Setting
    from streams.backtesting.tune import Goal, Metric, Search, sampled

    # Of the default nothing is repeated in the tuned file: what a firm's file does not name follows the default.
    text = "version: default\n" if policy == "default" else named_policy(policy)
    with progress_bar() as bar:
        reading = bar.add_task("reading", total=None)
        events = past_events(source, ledger_format(mapping, currency, date_format, number_rows))
        events = events if customers is None else sampled(events, customers, seed)
        bar.remove_task(reading)
        if not events:
            raise InvalidInput("no_events", f"{source}: holds nothing to learn from")
        make_folder(out)
        task = bar.add_task("trials", total=trials + 2)
        setting = Setting(datetime.now(UTC), 1, trailing_days, assumptions(options))
        search = Search(text, events, setting, Goal(cast(Metric, metric), recall, lead))
        found = search.run(trials, seed, lambda: bar.advance(task))
    with writing_below(out):
        (out / "tuned-policy.yaml").write_text(found["policy"], encoding="utf-8")
        (out / "tune.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(found)
    else:
        _show(found, out)


def _show(found: dict[str, Any], out: Path) -> None:
    settings = [
        [name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value)]
        for name, value in found["parameters"].items()
    ]
    print_table(["setting", "found"], settings)
    rows = []
    for span in ("training", "validation"):
        for name in ("present", "tuned"):
            figures = found[span][name]
            warned = figures["early_warning"]
            shown = ["-" if warned[k] is None else f"{warned[k]:.2f}" for k in ("recall", "precision")]
            shown += ["-" if warned["median_lead_days"] is None else f"{warned['median_lead_days']:.0f}"]
            rate = warned["false_alerts_per_customer_year"]
            net = ", ".join(f"{currency} {money['net']}" for currency, money in figures["money"].items())
            rows.append([span, name, *shown, "-" if rate is None else f"{rate:.2f}", net])
    print_table(["span", "policy", "recall", "precision", "lead", "false/year", "net"], rows)
    said = "the gain holds on the later span" if found["holds"] else "the gain does NOT hold on the later span"
    if found["parameters"]:
        ends = found["validation"]["gain_interval"]
        span = "no interval" if ends is None else f"95 % interval {ends[0]:+.3g} to {ends[1]:+.3g}"
        gains = f"training {found['training']['gain']:+.3g}, later {found['validation']['gain']:+.3g}, {span}"
        click.echo(f"{said} ({gains})")
    else:
        click.echo("nothing better than the present policy was found on the training span")
    click.echo(f"wrote {out / 'tuned-policy.yaml'} and {out / 'tune.json'}")
