"""Make what customers and other systems wrote harmless on a screen: nothing in it can steer the terminal."""

from __future__ import annotations

import unicodedata

# Cc: control characters (ESC, the 8-bit CSI, line breaks); Cf: invisible ones (right-to-left overrides, zero
# width); Cs: halves of pairs, which no terminal can encode; Zl and Zp break lines.
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: object, longest: int = 64) -> str:
    """The text on one line, at most ``longest`` characters, each steering character replaced by U+FFFD.

    Square brackets stay: whoever prints with rich uses ``rich.text.Text``, which reads no markup.
    """
    shown = "".join("\ufffd" if unicodedata.category(sign) in _STEERING else sign for sign in str(text))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
