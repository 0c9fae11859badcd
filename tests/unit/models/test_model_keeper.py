"""Laws of models.model_keeper: what is noted once a month, and that models are changed only by what the log says."""

from __future__ import annotations

from array import array

import pytest

from models.default_risk.features import NAMES
from models.engine import CreditEngine
from models.partition import decode, encode
from schemas.decisions import ModelNote, OutEvent
from schemas.errors import InvalidInput
from schemas.log import ModelPromoted, ModelRestored
from tests.unit.models.book import Book
from tests.unit.models.build import activated, at, entry, invoiced, paid, placed, policy, tick

RULES = """
default_risk:
  warm_up: 10
  model_weight: {weight}
  challengers: {{rate: {{model_weight: 0}}, quick: {{kind: gradient, learning_rate: 0.1, model_weight: 0.9}}}}
roll_risk: {{warm_up: 10}}
promotion: {{needs_person: {person}, min_outcomes: 50, min_customers: 5, confidence: 0.8, keep_checkpoints: {keep}}}
"""
CUSTOMERS = 12


class Firm(Book):
    """Twelve customers with an invoice a week each, of whom every fourth pays late."""

    def __init__(self, person: str = "true", keep: int = 6, weight: float = 0.6) -> None:
        super().__init__(RULES.format(person=person, keep=keep, weight=weight))

    def live(self, first: int, last: int) -> list[ModelNote]:
        """The days from first to last; what the model log says of them."""
        before = len(self.out)
        for day in range(first, last + 1):
            self.see(tick(day))
            for number in range(CUSTOMERS):
                mine = {"customer_id": f"C{number}"}
                pays_after = 11 if number % 4 == 0 else 2
                if day % 7 == 0:
                    self.see(invoiced(f"{day}-{number}", 100, day + 3, day).model_copy(update=mine))
                if day >= pays_after and (day - pays_after) % 7 == 0:
                    self.see(paid(f"{day - pays_after}-{number}", 100, day).model_copy(update=mine))
        return notes(self.out[before:])

    def tell(self, event: ModelPromoted | ModelRestored) -> list[ModelNote]:
        """A broadcast of the model's."""
        self.offset += 1
        effects = self.engine.apply(self.offset, entry(event, self.offset, topic="policy"))
        self.out += effects.out
        return notes(effects.out)

    def scores(self) -> list[float]:
        """What champion and challengers foretell of some invoices: the fingerprint of all of them."""
        found, risk = [], self.engine.risk
        for number in range(5):
            packed = array("f", [(number + n) / 3 for n in range(len(NAMES))]).tobytes()
            found += [risk.blend(packed, 0.1 * number + 0.1), *(risk.shadows(packed, 0.2) or {}).values()]
        return [*found, risk.book_rate]


def notes(out: list[OutEvent]) -> list[ModelNote]:
    """The model notes among what came out."""
    return [event.data for event in out if isinstance(event.data, ModelNote)]


def promoted(model: str, day: int) -> ModelPromoted:
    """A person's word."""
    return ModelPromoted(
        version=1, event_id=f"promote-{model}-{day}", occurred_at=at(day), task="A", model=model, by="ana"
    )


def restored(checkpoint: str, day: int) -> ModelRestored:
    """A person's word."""
    return ModelRestored(
        version=1, event_id=f"restore-{day}", occurred_at=at(day), task="A", checkpoint=checkpoint, by="ana"
    )


def test_each_month_says_how_good_the_models_were() -> None:
    """On the first of a month the outcomes of the month before, by their number, beside the naive rate."""
    firm = Firm()
    found = [note for note in firm.live(0, 100) if note.kind == "quality" and note.task == "A"]
    assert len(found) == 3  # April, May and June begin within 100 days of the 4th of March
    assert sum(note.outcomes for note in found) == sum(
        outcome.task == "A" and outcome.matured < at(89).toordinal() for outcome in firm.outcomes
    )
    last = found[-1]
    assert last.rate == pytest.approx(0.25, abs=0.01)
    assert last.statistic == last.figures["log_loss"] < last.threshold == last.figures["naive_log_loss"]
    bins = [f"bin_{place:02d}" for place in range(20) if f"bin_{place:02d}_n" in last.figures]
    assert sum(last.figures[f"{name}_n"] for name in bins) == last.outcomes
    assert sum(last.figures[f"{name}_bad"] for name in bins) == last.figures["rate"] * last.outcomes
    foretold = sum(last.figures[f"{name}_probability"] * last.figures[f"{name}_n"] for name in bins)
    assert foretold / last.outcomes == pytest.approx(last.mean_probability)
    assert last.figures["n_without_largest"] == last.outcomes - last.outcomes // CUSTOMERS


def test_a_challenger_that_is_ahead_is_noted_and_waits_for_a_person() -> None:
    """The evidence becomes a note; the champion stays what it was."""
    firm = Firm(person="true", weight=0)  # the section leaves all to the rate
    ahead = [note for note in firm.live(0, 130) if note.kind == "challenger_ahead"]
    assert ahead
    assert {note.model for note in ahead} <= {"rate", "quick"}
    assert all(note.statistic > 0 and note.figures["customers"] >= 5 for note in ahead)
    assert firm.engine.risk.champion == "base"


def test_a_policy_may_let_evidence_alone_promote() -> None:
    """Then the best challenger leads, the note says in whose place, and its evidence begins anew."""
    firm = Firm(person="false", weight=0)
    found = firm.live(0, 130)
    first = next(note for note in found if note.kind == "promoted")
    assert first.text == "policy: in place of base"
    assert firm.engine.risk.champion == [note.model for note in found if note.kind == "promoted"][-1]
    assert "base" in firm.engine.risk.challengers


def test_a_person_promotes_and_the_champion_goes_on_in_the_shadow() -> None:
    """What the challenger foretold, the model foretells now; the version names it."""
    firm = Firm()
    firm.live(0, 60)
    packed = array("f", [0.5] * len(NAMES)).tobytes()
    foretold = (firm.engine.risk.shadows(packed, 0.2) or {})["quick"]
    (note,) = firm.tell(promoted("quick", 60))
    assert (note.kind, note.model, note.text) == ("promoted", "quick", "ana: in place of base")
    assert firm.engine.risk.blend(packed, 0.2) == foretold
    assert firm.engine.risk.model_version.startswith("quick:")
    assert set(firm.engine.risk.challengers) == {"base", "rate"}


@pytest.mark.parametrize("event", [promoted("unknown", 60), restored("1999-01-01", 60)])
def test_what_cannot_be_done_is_said(event: ModelPromoted | ModelRestored) -> None:
    """A name that nobody has changes nothing, and the note lists those there are."""
    firm = Firm()
    firm.live(0, 60)
    before = firm.scores()
    (note,) = firm.tell(event)
    assert note.kind == "refused"
    assert ("2024-04-01" if isinstance(event, ModelRestored) else "quick") in (note.text or "")
    assert firm.scores() == before


def test_a_restored_model_scores_bit_for_bit_as_it_did() -> None:
    """After two more months and a promotion, the checkpoint brings back every score, of challengers as well."""
    firm = Firm()
    firm.live(0, 28)
    scores = firm.scores()
    firm.see(tick(28))  # the 1st of April
    kept = firm.scores()
    firm.live(29, 95)
    firm.tell(promoted("quick", 95))
    assert firm.scores() not in (scores, kept)
    (note,) = firm.tell(restored("2024-04-01", 95))
    assert note.kind == "restored"
    assert note.text is not None
    assert "2024-04-01@" in note.text
    assert firm.scores() == kept
    assert firm.engine.risk.champion == "base"


def test_the_checkpoint_before_a_promotion_undoes_it() -> None:
    """Each promotion and each new policy leaves one, named after its event."""
    firm = Firm()
    firm.live(0, 60)
    before = firm.scores()
    firm.tell(promoted("quick", 60))
    firm.tell(restored("before-promote-quick-60", 60))
    assert firm.scores() == before


def test_only_the_newest_checkpoints_are_kept() -> None:
    """So that the state stays small."""
    firm = Firm(keep=2)
    firm.live(0, 130)
    assert list(firm.engine.state.checkpoints) == ["2024-06-01", "2024-07-01"]


def test_a_policy_without_the_champion_has_its_own_learner_lead() -> None:
    """The challenger that led is gone from the file; the section's learner, which went on learning, leads."""
    firm = Firm()
    firm.live(0, 60)
    firm.tell(promoted("quick", 60))
    firm.see(activated("version: plain", 61))
    assert firm.engine.risk.champion == "base"
    assert firm.engine.risk.challengers == []
    assert firm.engine.risk.model_version.split("@")[1] == str(firm.engine.risk.outcomes)


def test_the_models_go_on_through_storage() -> None:
    """Stored and restored in the middle, champion and challengers, evidence and months go on with the same bits."""
    whole, cut = Firm(person="false"), Firm(person="false")
    whole.live(0, 75)
    cut.live(0, 75)
    cut.engine = CreditEngine(cut.accounts, "", decode(encode(cut.engine.state)))
    assert whole.live(76, 130) == cut.live(76, 130)
    assert encode(whole.engine.state) == encode(cut.engine.state)


def test_outcomes_of_our_own_making_are_left_out() -> None:
    """Invoices that were open while we held an order neither teach nor score; at full weight they teach."""
    learned = {}
    for weight in ("0", "1"):
        book = Book(f"default_risk: {{acted_weight: {weight}}}\nlimits: {{base: {{EUR: 500}}}}")
        book.see(invoiced("I1", 400, due=10))
        book.see(placed("O1", 300, day=1))  # over the limit: held
        book.see(paid("I1", 400, day=8))
        book.days(9, 20)
        (outcome,) = [found for found in book.outcomes if found.task == "A"]
        learned[weight] = (outcome.acted, book.engine.risk.outcomes, book.engine.risk.quality.n)
    assert learned == {"0": (True, 0, 0), "1": (True, 1, 0)}


def test_an_invoice_of_a_released_order_is_marked() -> None:
    """The order was held for days: what becomes of its invoice says less of the customer."""
    book = Book("limits: {base: {EUR: 500}}")
    book.see(invoiced("I1", 400, due=10), placed("O1", 300, day=1), paid("I1", 400, day=8))
    book.see(invoiced("I2", 300, due=30, issued=9, order_id="O1"), day=9)
    assert book.account.predictions["I2"].acted


def test_an_invoice_on_shorter_terms_than_asked_for_is_marked() -> None:
    """The customer wanted 60 days and got 30."""
    book = Book()
    order = placed("O1", 300).model_copy(update={"requested_terms_days": 60})
    book.see(order, invoiced("I1", 300, due=30, order_id="O1"))
    book.see(placed("O2", 300, day=1), invoiced("I2", 300, due=30, order_id="O2", issued=1))
    assert {name: found.acted for name, found in book.account.predictions.items()} == {"I1": True, "I2": False}


def test_a_challenger_needs_a_name_of_its_own() -> None:
    """'base' is the learner above it."""
    with pytest.raises(InvalidInput, match="base"):
        policy("default_risk: {challengers: {base: {model_weight: 0}}}")
