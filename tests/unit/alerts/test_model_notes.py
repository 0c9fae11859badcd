"""Sentences about the model log: every kind of note is told, and nothing of others steers a screen."""

from __future__ import annotations

from typing import get_args

import pytest

from alerts.model_notes import note_sentence
from alerts.texts import LANGUAGES, Language
from schemas.decisions import ModelNoteKind

from .samples import note

EVIL = "x\x1b]0;owned\x07\x9b2J\u202e{task}"


def test_a_drift_is_told_with_its_figures() -> None:
    """What was foretold, what happened, and that nothing is changed by it."""
    assert note_sentence(note(), "en") == (
        "model of late payment (A), partition 1: foretells 7.6%, but 4.5% happen (summed error 25.03 of 25 allowed, "
        "26,839 outcomes known); it goes on as it is"
    )


def test_a_challenger_ahead_says_what_to_do() -> None:
    """The sentence holds the command that lets it lead."""
    told = note_sentence(
        note(task="B", kind="challenger_ahead", model="quick", statistic=0.0012, figures={"customers": 88.0}), "en"
    )
    assert "`creditpulse models promote B quick`" in told
    assert "of 88 customers" in told


@pytest.mark.parametrize("kind", get_args(ModelNoteKind))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_a_sentence_and_hostile_names_are_plain(kind: str, language: Language) -> None:
    """Names and texts of people come without control characters, and are not read as our templates."""
    told = note_sentence(note(kind=kind, model=EVIL, text=EVIL), language)
    assert "{task}" in told or kind in (
        *("calibration_drift", "score_drift", "quality"),
        *("payments_stale", "payments_back"),
    )
    assert all(sign.isprintable() for sign in told)
    assert "1" in told
