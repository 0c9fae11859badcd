"""What a table sends to the browser, and what it exports."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

from desk.web.components.table import Column, cells, grid_options, to_csv
from desk.web.frame import Words

COLUMNS = [
    Column("id", "Id", "link", target=lambda row: f"/x/{row['id']}"),
    Column("level", "Level", "level"),
    Column("amount", "Amount", "money", currency="currency"),
    Column("day", "Day", "day"),
    Column("trend", "Trend", "spark"),
]
ROW = {
    "id": "C1",
    "level": "WATCH",
    "amount": Decimal("1234.50"),
    "currency": "EUR",
    "day": date(2025, 1, 2),
    "trend": [1, 2],
}


def test_cells_have_what_to_sort_by_and_what_to_show() -> None:
    """In the user's language; a level also has its icon: colour is never the only signal."""
    found = cells(Words("customers", "zh"), COLUMNS, ROW)
    assert (found["amount"], found["amount_t"]) == (1234.5, "1,234 EUR")
    assert found["level_b"] == {"look": "watch", "icon": "visibility", "text": "关注"}
    assert (found["day"], found["day_t"], found["id_l"], found["trend"]) == (
        "2025-01-02",
        "2025年1月2日",
        "/x/C1",
        [1, 2],
    )


def test_an_export_runs_no_formula() -> None:
    """Spreadsheets run what begins with a sign; numbers stay numbers, and lines of a text stay in their cell."""
    columns = [Column("text", "Text"), Column("number", "Number", "number")]
    texts = ['=HYPERLINK("x")', "+1", "-12.5", "@x", 'a "b", c\nd', None]
    rows = list(csv.reader(io.StringIO(to_csv(columns, [{"text": text, "number": -3} for text in texts]))))
    assert rows[0] == ["Text", "Number"]
    assert [row[0] for row in rows[1:]] == ['\'=HYPERLINK("x")', "+1", "-12.5", "'@x", 'a "b", c\nd', ""]
    assert {row[1] for row in rows[1:]} == {"-3"}


def test_rows_are_as_high_as_their_longest_text() -> None:
    """A text of two lines makes room for them, and the whole of it is in its tooltip."""
    plain = grid_options(Words("customers", "en"), [Column("why", "Why")])
    tall = grid_options(Words("customers", "en"), [Column("why", "Why", lines=2), Column("id", "Id")])
    assert "rowHeight" not in plain
    assert tall["rowHeight"] == 46
    assert [column["cellRendererParams"] for column in tall["columnDefs"]] == [{"lines": 2}, {"lines": 1}]
    assert tall["columnDefs"][0]["tooltipField"] == "why_t"
