"""One customer on a screen: level, score, reasons, exposure, way back, timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alerts.limit_text import limit_line
from alerts.order_text import order_sentence
from alerts.plain import plain
from alerts.sentences import (
    alert_head,
    alert_why,
    joined,
    money,
    opinion_line,
    reason_line,
    way_back_text,
)
from alerts.texts import Language, amount_text, bad_event_text, phrase, reason_text, text
from desk.labels import label
from desk.terminal_view import LEVEL_STYLE
from schemas.decisions import (
    CreditAlert,
    CreditLevelChanged,
    DefaultRisk,
    LimitBasis,
    Measures,
    Opinion,
    OrderDecision,
    Reason,
    WayBack,
)
from schemas.levels import Level

Answer = Mapping[str, Any]
_LABEL_WIDTH = 22
_EVENT_IDS = ("order_id", "invoice_id", "payment_id")


def sheet(customer: Answer, language: Language) -> RenderableType:
    """The customer as ``streams.archive.reads.read_customer`` answers. Foreign text enters only as ``Text``."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(width=_LABEL_WIDTH, style="dim")
    facts.add_column()
    for name, value in _facts(customer, language):
        facts.add_row(name, value)
    return Group(
        _title(customer),
        facts,
        Text(),
        _exposures(customer["exposures"], language),
        Text(),
        Text(label("timeline", language), style="bold"),
        _timeline(customer["timeline"], language),
    )


def _title(customer: Answer) -> Text:
    title = Text(plain(customer["customer_id"]), style="bold")
    for name in ("name", "segment", "sector", "region", "owner"):
        if customer.get(name):
            title.append(f"  ·  {plain(customer[name])}", style="dim")
    return title


def _facts(customer: Answer, language: Language) -> Iterator[tuple[str, Text]]:
    level = Level(customer["level"])
    told = Text(text(level.value, language), style=LEVEL_STYLE[level])
    if customer["since"]:
        told.append(f"  {label('since', language)} {plain(customer['since'])[:10]}", style="default")
    if customer["provisional"] and level is not Level.UNRATED:
        told.append(f"  ({label('provisional', language)})", style="dim")
    span = customer.get("level_range")  # decisions made by earlier versions tell none
    if span is not None and span["best"] != span["worst"]:
        told.append(f"  {text(span['worst'], language)} … {text(span['best'], language)}", style="dim")
    yield label("level", language), told
    if customer["score"] is None:
        return
    before = "" if customer["score_before"] is None else f"{customer['score_before']} -> "
    yield label("score", language), Text(f"{before}{customer['score']}")
    risk = DefaultRisk.model_validate(customer["default_risk"])
    yield label("risk", language), Text(_risk(risk, language))
    yield label("measures", language), Text(_measures(Measures.model_validate(customer["measures"]), language))
    # Decisions made by earlier versions tell neither where limits come from nor opinions.
    bases = [limit_line(LimitBasis.model_validate(basis), language) for basis in customer.get("limit_basis", [])]
    if bases:
        yield label("limit", language), Text("\n".join(bases))
    # Their figures are those of the decision: what is open by now stands below.
    then = f" {plain(customer['decided_at'])[:10]}" if customer.get("decided_at") else ""
    for name, key in (("reasons", "reasons"), ("holds_level", "caps")):
        lines = [reason_line(Reason.model_validate(reason), language) for reason in customer[key]]
        if lines:
            yield label(name, language) + then * (name == "reasons"), Text("\n".join(lines))
    said = [opinion_line(Opinion.model_validate(opinion), language) for opinion in customer.get("opinions", [])]
    if said:
        yield label("opinions", language), Text("\n".join(said))
    if customer["way_back"]:
        told_way = way_back_text(WayBack.model_validate(customer["way_back"]), language)
        yield label("way_back", language), Text(told_way)


def _risk(risk: DefaultRisk, language: Language) -> str:
    return phrase(
        "risk.sentence",
        language,
        probability=f"{risk.probability:.0%}",
        low=f"{risk.low:.0%}",
        high=f"{risk.high:.0%}",
        bad_event=bad_event_text(risk.bad_event, language),
        days=str(risk.horizon_days),
        evidence=str(risk.evidence),
    )


def _measures(measures: Measures, language: Language) -> str:
    terms = phrase("alert.terms", language, days=str(measures.terms_days))
    if measures.terms_basis is not None:
        terms += f" ({text(f'terms.{measures.terms_basis}', language)})"
    parts = [terms]
    if measures.deposit_share:
        parts.append(f"{label('deposit', language)} {measures.deposit_share:.0%}")
    parts.append(text(f"orders.{measures.orders}", language))
    return ", ".join(parts)


def _exposures(rows: list[Answer], language: Language) -> RenderableType:
    if not rows:
        return Text(label("nothing_open", language), style="dim")
    names = ["exposure", "open_orders", "open_invoices", "unapplied_cash", "limit", "headroom", "overdue"]
    if any(Decimal(row.get("disputed") or 0) for row in rows):
        names.append("disputed")
    table = Table(box=None, pad_edge=False)
    table.add_column(label("currency", language))
    for name in (*names, "utilisation", "days_past_due"):
        table.add_column(label(name, language), justify="right")
    for row in rows:
        used = "-" if row["utilisation"] is None else f"{row['utilisation']:.0%}"
        amounts = [_amount(row[name], name, language) for name in names]
        table.add_row(Text(plain(row["currency"])), *amounts, used, str(row["oldest_days_past_due"]))
    return table


def _amount(value: Any, name: str, language: Language) -> str:
    if value is None:
        return label("no_limit", language) if name == "limit" else "-"
    return amount_text(Decimal(value))


def _timeline(entries: list[Answer], language: Language) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for entry in entries:
        style = {"alert": "bold", "level": "cyan"}.get(entry["kind"], "")
        when = plain(entry["time"])[:16].replace("T", " ")
        table.add_row(when, Text(entry_text(entry, language), style=style))
    return table


def entry_text(entry: Answer, language: Language) -> str:
    """An entry of a customer's timeline in words."""
    event = entry["event"]
    if entry["kind"] == "event":
        return _event(plain(entry["type"]), event, language)
    customer, data = event["subject"], event["data"]
    if entry["kind"] == "alert":
        alert = CreditAlert.model_validate(data)
        return joined([alert_head(customer, alert, language), alert_why(alert, language)], language)
    if entry["kind"] == "order":
        return order_sentence(customer, OrderDecision.model_validate(data), language)
    change = CreditLevelChanged.model_validate(data)
    why = [reason_text(reason, language) for reason in (*change.caps, *change.reasons)[:2]]
    told = f"{text(change.level_before.value, language)} -> {text(change.level.value, language)}"
    score = phrase("alert.first_score", language, after=str(change.score))
    return joined([phrase("alert.head", language, moved=told, score=score), *why], language)


def _event(type_: str, event: Answer, language: Language) -> str:
    ids = [plain(event[name]) for name in _EVENT_IDS if event.get(name)]
    amount = event.get("amount") or event.get("outstanding_amount")
    shown = [text(type_, language), *ids]
    if amount is not None and event.get("currency"):
        shown.append(money(Decimal(str(amount)), plain(event["currency"])))
    return " ".join(shown)
