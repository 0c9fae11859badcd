"""Notes of the model log as one sentence for a person: which model, what was noted, and what follows from it."""

from __future__ import annotations

from alerts.plain import plain
from alerts.texts import Language, phrase, text
from schemas.decisions import ModelNote

_LONGEST_NAME = 60


def note_sentence(note: ModelNote, language: Language) -> str:
    """``late payment, partition 1: foretells 7.6%, but 4.5% happen ...``; names and texts of others are made plain."""
    customers = note.figures.get("customers")
    told = phrase(
        f"note.{note.kind}",
        language,
        statistic=f"{note.statistic:.4g}",
        threshold=f"{note.threshold:.4g}",
        outcomes=f"{note.outcomes:,}",
        customers=text("note.some", language) if customers is None else f"{customers:,.0f}",
        foretold=f"{note.mean_probability:.1%}",
        happened=f"{note.rate:.1%}",
        model=plain(note.model or "", _LONGEST_NAME),
        task=note.task,
        because=plain(note.text or "", 200),
        missed=f"{note.figures.get('missed', 0):,.0f}",
    )
    about = text(f"note.task.{note.task}", language)
    return phrase("note.sentence", language, about=about, partition=str(note.partition), told=told)
