"""Cursors of the stream of events: text and back, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.api.hub import TOPICS, read_cursor, write_cursor
from schemas.errors import InvalidInput

places = st.tuples(st.sampled_from(TOPICS), st.integers(0, 7))


@given(st.dictionaries(places, st.integers(1, 2**53)))
def test_a_cursor_comes_back_as_it_was(cursor: dict[tuple[str, int], int]) -> None:
    assert read_cursor(write_cursor(cursor), partitions=8) == cursor


@pytest.mark.parametrize(
    "text", ["", "x0.1", "a", "a0", "a.1", "a0.", "a-1.2", "a0.-1", "a8.1", "a0.1-", "a0.1 ", "a０.1", "a0." + "9" * 19]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_cursor(text, partitions=8)
    assert refused.value.field == "Last-Event-ID"


def test_the_beginning() -> None:
    assert write_cursor({}) == "0"
    assert read_cursor("0", partitions=1) == {}
