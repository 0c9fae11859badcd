"""What commands print as tables can be read by the next command."""

from __future__ import annotations

import pytest

from streams.commands.show import print_table

ROWS = [["4b7bd55db01f488f", "a reason that is as long as people make them " * 6, "[bold]C-1[/bold]"]]


def test_in_a_pipe_each_row_is_a_line_and_nothing_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Also what looks like markup."""
    print_table(["id", "reason", "customer"], ROWS)
    _, row = capsys.readouterr().out.splitlines()
    assert [" ".join(cell.split()) for cell in ROWS[0]] == [" ".join(part.split()) for part in row.strip().split("  ")]


def test_on_a_terminal_the_id_is_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what the next command takes; the rest is broken to fit."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    print_table(["id", *"abcdefgh"], [[ROWS[0][0], *["a-word-that-cannot-be-broken"] * 8]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3
    assert any(ROWS[0][0] in line for line in lines)
