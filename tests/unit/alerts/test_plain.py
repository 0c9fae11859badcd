"""Foreign text on a screen steers nothing."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from alerts.plain import plain


@given(st.text(max_size=200), st.integers(1, 80))
def test_one_line_without_steering_characters(text: str, longest: int) -> None:
    """Whatever comes in, out comes one line of bounded length without control, format or surrogate characters."""
    shown = plain(text, longest)
    assert len(shown) <= longest
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_what_can_be_read_stays() -> None:
    """Ordinary names, also in other scripts and with brackets, are shown as they are."""
    for name in ("Müller & Söhne [GmbH]", "北京贸易有限公司", "C-1_2.3/4"):
        assert plain(name) == name


def test_escape_sequences_are_made_visible() -> None:
    """ESC, the 8-bit CSI and right-to-left overrides become replacement signs."""
    assert plain("a\x1b[31mb\x9b2Jc\u202ed") == "a\ufffd[31mb\ufffd2Jc\ufffdd"
