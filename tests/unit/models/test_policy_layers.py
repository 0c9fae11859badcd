"""Laws of models.policy_layers: one resolver says which value holds for a customer, and which layer it comes from."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import Master
from models.policy import default_policy, layered_policy, parse_policy
from models.policy_layers import ABSENT, LayeredPolicy, has_rules, laid_over, leaves, value_at
from schemas.errors import InvalidInput
from schemas.policy import Ladder, Measures, OrderChecks, Policy, Scorecard

FIRM = """
version: firm-7
pack: wholesale
ladder:
  probation_days: 20
overrides:
  - sector: retail
    because: seasonal business
    ladder: {probation_days: 21, dwell_days: 1}
  - sector: retail
    region: EU
    ladder: {probation_days: 22}
  - segment: key
    ladder: {probation_days: 23}
  - group: ACME
    ladder: {probation_days: 24}
  - customer: C1
    ladder: {probation_days: 25}
"""


def probation(policy: LayeredPolicy, customer: str = "C0", **known: str) -> int:
    """Probation days of a customer with these master data."""
    return policy.policy_of(policy.layers_of(customer, Master(**known))).ladder.probation_days


def refused(text: str) -> InvalidInput:
    """How a text is refused."""
    with pytest.raises(InvalidInput) as caught:
        layered_policy(text, "firm.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("customer", "known", "days"),
    [
        ("C0", {}, 20),
        ("C0", {"sector": "steel", "region": "EU"}, 20),
        ("C0", {"sector": "retail"}, 21),
        ("C0", {"sector": "retail", "region": "US"}, 21),
        ("C0", {"sector": "retail", "region": "EU"}, 22),
        ("C0", {"sector": "retail", "region": "EU", "segment": "key"}, 23),
        ("C0", {"segment": "key", "group_parent": "ACME"}, 24),
        ("ACME", {"segment": "key"}, 24),
        ("ACME", {"group_parent": "HOLDING"}, 20),
        ("C1", {"segment": "key", "group_parent": "ACME"}, 25),
    ],
)
def test_the_nearer_layer_decides(customer: str, known: dict[str, str], days: int) -> None:
    """pack < firm < segment < group < customer; of two segments the later in the file; the head of a group is in it."""
    assert probation(layered_policy(FIRM), customer, **known) == days


def test_layers_below_shine_through() -> None:
    """A layer changes what it names; the rest comes from below, down to the pack and the default."""
    policy = layered_policy(FIRM)
    found = policy.policy_of(policy.layers_of("C1", Master(sector="retail", region="EU")))
    assert (found.ladder.probation_days, found.ladder.dwell_days) == (25, 1)
    assert found.materiality == parse_policy("pack: wholesale").materiality != default_policy().materiality
    assert (found.order_checks, found.version) == (default_policy().order_checks, "firm-7")


def test_every_value_names_its_layer() -> None:
    """The explanation holds the value, the layer, the line, and what each layer says, lowest first."""
    policy = layered_policy(FIRM, "firm.yaml")
    [found] = policy.explain("ladder.probation_days", policy.layers_of("C1", Master(sector="retail")))
    assert (found.value, found.layer, found.place) == (25, "customer C1", "firm.yaml:18")
    says = [("default", 30), ("firm", 20), ("segment sector=retail", 21), ("customer C1", 25)]
    assert list(found.says) == says
    [below] = policy.explain("materiality.amount_days")
    assert (below.layer, below.place.split(":")[0]) == ("pack wholesale", "packs/wholesale.yaml")


def test_a_path_may_be_a_section_or_nothing() -> None:
    """A section gives all its values, no path gives all there are; a list is one value."""
    policy = layered_policy("{}")
    assert [found.path for found in policy.explain("market")] == [
        "market.share", "market.max_relief", "market.fresh_days", "market.max_age_days",
    ]  # fmt: skip
    everything = {found.path for found in policy.explain()}
    assert {"version", "limits.base", "scorecard.ageing.nodes", "knock_outs.early"} <= everything


@pytest.mark.parametrize(
    "path", ["ladder.WATCHED", "laddr", "ladder.dwell_days.more", "overrides", "scorecard.ageing.n"]
)
def test_an_unknown_path_is_refused(path: str) -> None:
    """Who asks for a value that is not there is told so, not shown nothing."""
    with pytest.raises(InvalidInput) as caught:
        layered_policy(FIRM).explain(path)
    assert (caught.value.code, caught.value.field) == ("policy_path_unknown", path)


def test_explanations_and_decisions_agree() -> None:
    """For every combination of layers each explained value is the one of the policy that decides."""
    policy = layered_policy(FIRM)
    for known in ({}, {"sector": "retail"}, {"segment": "key", "group_parent": "ACME"}):
        for customer in ("C0", "C1"):
            layers = policy.layers_of(customer, Master(**known))
            decides = policy.policy_of(layers).model_dump(mode="json")
            again = Policy.model_validate(_nested([(e.path, e.value) for e in policy.explain("", layers)]))
            assert again.model_dump(mode="json") == decides


def _nested(values: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in values:
        for part in reversed(path.split(".")):
            value = {part: value}
        found = laid_over(found, value)
    return found


def test_without_overrides_nobody_has_layers() -> None:
    """The common case costs nothing: no layers, and the very policy of the book."""
    policy = layered_policy("{}")
    assert policy.layers_of("C1", Master(segment="key", group_parent="ACME")) == ()
    assert policy.policy_of(()) is policy.base


def test_a_policy_is_made_once_per_combination() -> None:
    """Two customers of one segment share one policy, and the sections that no layer touches are the book's."""
    policy = layered_policy(FIRM)
    one, two = (policy.policy_of(policy.layers_of(name, Master(sector="retail"))) for name in ("C7", "C8"))
    assert one is two
    assert one.scorecard is policy.base.scorecard


@pytest.mark.parametrize(
    "section",
    ["default_risk: {late_days: 9}", "roll_risk: {days: 9}", "behaviour: {half_life_days: 9}", "version: x",
     "pack: lending", "overrides: []", "packs: {}"],
)  # fmt: skip
@pytest.mark.parametrize("who", ["customer: C1", "group: ACME", "sector: retail"])
def test_what_is_book_wide_cannot_be_overridden(section: str, who: str) -> None:
    """One learner learns from all customers, by figures that fade alike; the refusal says where to set it."""
    error = refused(f"overrides:\n  - {who}\n    {section}\n")
    assert error.message.startswith("firm.yaml:3: overrides.0.")
    assert "holds for the whole book" in error.message


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("overrides:\n- {ladder: {dwell_days: 3}}", ":2: overrides.0", "names either a segment"),
        ("overrides:\n- {sector: a, group: b, ladder: {dwell_days: 3}}", ":2: overrides.0", "names either a segment"),
        ("overrides:\n- {customer: a, group: b, ladder: {dwell_days: 3}}", ":2: overrides.0", "names either a segment"),
        ("overrides:\n- customer: ''\n  ladder: {dwell_days: 3}", ":2: overrides.0.customer", "at least 1"),
        ("overrides:\n- {customer: C1}", ":2: overrides.0", "overrides nothing"),
        ("overrides: {customer: C1}", ":1: overrides", "list"),
        ("overrides: [5]", ":1: overrides.0", "dictionary"),
        ("overrides:\n- customer: C1\n  laddr: {}", ":3: overrides.0.laddr", "Extra inputs"),
        ("overrides:\n- customer: C1\n  ladder:\n    WATCH:\n      entry: 3",
         ":5: overrides.0.ladder.WATCH.entry", "Extra inputs"),
        ("overrides:\n- customer: C1\n  ladder:\n    dwell_days: -1",
         ":4: overrides.0.ladder.dwell_days", "greater than"),
        ("overrides:\n- customer: C1\n  ladder:", ":3: overrides.0.ladder", "Ladder"),
        ("overrides:\n- customer: C1\n  knock_outs:\n    ageing:\n    - days_past_due: 3",
         ":5: overrides.0.knock_outs.ageing.0.at_most", "required"),
        ("overrides:\n- {customer: C1, ladder: {dwell_days: 3}}\n- {customer: C1, limits: {round_to: 3}}",
         ":3: overrides.1", "customer C1 is overridden already at firm.yaml:2"),
        ("overrides:\n- {region: b, sector: a, ladder: {dwell_days: 3}}\n- {sector: a, region: b, limits: {}}",
         ":3: overrides.1", "is overridden already"),
        ("pack: trade", ":1: pack",
         "there is no pack 'trade' (there are: lending, manufacturing, supplier, wholesale)"),
        ("pack: [a]", ":1: pack", "string"),
        ("pack: a\npacks:\n  a:\n    pack: b\n  b:\n    pack: a", ":6: packs.b.pack",
         "lead back to themselves: a -> b -> a"),
        ("packs:\n  wholesale:\n    pack: wholesale", ":3: packs.wholesale.pack", "wholesale -> wholesale"),
        ("packs:\n  a:\n    pack: nowhere", ":3: packs.a.pack", "there is no pack 'nowhere'"),
        ("packs:\n  a:\n    overrides: []", ":3: packs.a.overrides", "a pack is one layer"),
        ("packs:\n  a:\n    ladder: {dwell_days: -1}", ":3: packs.a.ladder.dwell_days", "greater than"),
        ("\nladder:\n  STANDARD:\n    enter: 880", ":2: ladder", "bands overlap"),
        ("a: 1\na: 2", ":2: ", "key 'a' is given twice"),
        ("a: 1\nb: [", ":2: ", "expected"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_line_and_reason(text: str, place: str, reason: str) -> None:
    """Whoever wrote the file finds the very line."""
    message = refused(text).message
    assert message.startswith(f"firm.yaml{place}")
    assert reason in message


def test_layers_that_are_right_alone_may_be_wrong_together() -> None:
    """Bands that overlap only where two layers meet are refused before any customer meets them."""
    low, high = "ladder: {PRIME: {exit: 800}}", "ladder: {STANDARD: {enter: 820}}"
    for one, other in (
        ("sector: retail", "customer: C1"), ("sector: retail", "region: EU"), ("group: A", "customer: C1"),
        ("segment: key", "group: A"), ("sector: retail", "sector: retail, region: EU"),
    ):  # fmt: skip
        error = refused(f"overrides:\n- {{{one}, {low}}}\n- {{{other}, {high}}}")
        assert error.message.startswith("firm.yaml:3: overrides.1.ladder: bands overlap"), other
        assert "together with" in error.message


@pytest.mark.parametrize(
    ("one", "other"), [("sector: a", "sector: b"), ("group: A", "group: B"), ("customer: C1", "customer: C2")]
)
def test_layers_that_never_meet_are_not_tried_together(one: str, other: str) -> None:
    """A customer has one sector, one group and one id: what cannot meet cannot clash."""
    low, high = "ladder: {PRIME: {exit: 800}}", "ladder: {STANDARD: {enter: 820}}"
    assert len(layered_policy(f"overrides: [{{{one}, {low}}}, {{{other}, {high}}}]").overrides) == 2


def test_a_narrow_segment_may_lean_on_the_wide_one() -> None:
    """Retail in the EU is always retail: what it needs of the wider layer is there."""
    wide, narrow = "ladder: {PRIME: {enter: 950, exit: 900}}", "ladder: {STANDARD: {enter: 890}}"
    text = f"overrides: [{{sector: retail, {wide}}}, {{sector: retail, region: EU, {narrow}}}]"
    policy = layered_policy(text)
    found = policy.policy_of(policy.layers_of("C1", Master(sector="retail", region="EU")))
    assert (found.ladder.PRIME.exit, found.ladder.STANDARD.enter) == (900, 890)


def test_more_combinations_than_can_be_tried_are_refused() -> None:
    """A file whose layers cannot all be tried is refused, rather than accepted on trust."""
    parts = [f"{{{kind}: x{i}, ladder: {{dwell_days: {i}}}}}"
             for kind in ("sector", "region", "group", "customer") for i in range(13)]  # fmt: skip
    assert refused(f"overrides: [{', '.join(parts)}]").code == "policy_too_many_combinations"


def test_too_many_segments_are_refused() -> None:
    """Every segment may meet every other: beyond a thousand a file is refused, at the line where it is too much."""
    parts = "\n".join(f"- {{sector: x{i}, ladder: {{dwell_days: 3}}}}" for i in range(1_001))
    assert refused(f"overrides:\n{parts}").message.startswith("firm.yaml:1002: more than 1,000 segments")


def test_many_customers_that_say_the_same_are_tried_once() -> None:
    """Hundreds of customers and groups with equal overrides do not multiply."""
    parts = [f"{{{kind}: x{i}, ladder: {{dwell_days: 3}}}}" for kind in ("group", "customer") for i in range(400)]
    assert len(layered_policy(f"overrides: [{', '.join(parts)}]").overrides) == 800


def test_rules_between_values_are_known() -> None:
    """Sections with rules of their own are tried in combination; the others cannot clash."""
    assert [has_rules(section) for section in (Ladder, Scorecard, Measures, OrderChecks)] == [True, True, False, False]
    # A rule between sections would have to be tried over combinations of several sections: see LayeredPolicy._check.
    assert not Policy.__pydantic_decorators__.model_validators


def test_aliases_do_not_unfold() -> None:
    """Few lines of nested aliases stand for millions of values: they are refused at once."""
    lines = ["a0: &a0 [1, 1]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60))]
    assert refused("\n".join(lines)).code == "policy_invalid"


nested = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
    max_leaves=6,
)
layers = st.dictionaries(st.sampled_from("abc"), nested, max_size=3)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(layers, layers, layers)
def test_laying_over_is_associative(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    """A layer's own values always win, and it does not matter which two are joined first, where shapes agree."""
    top = laid_over(laid_over(a, b), c)
    assert all(value_at(top, path) == value for path, value in leaves(c))
    shapes = [{path for path, _ in leaves(each)} for each in (a, b, c)]
    if all(value_at(x, path) is ABSENT or not isinstance(value_at(x, path), dict) for x in (a, b, c)
           for each in shapes for path in each):  # fmt: skip
        assert top == laid_over(a, laid_over(b, c))


def test_no_layer_changes_another() -> None:
    """Resolving leaves the texts' values as they were: a second customer gets what the first would have got."""
    before = yaml.safe_dump(layered_policy(FIRM).base.model_dump(mode="json"))
    policy = layered_policy(FIRM)
    for name in ("C1", "C2", "ACME"):
        policy.policy_of(policy.layers_of(name, Master(sector="retail", region="EU", segment="key")))
    assert yaml.safe_dump(policy.base.model_dump(mode="json")) == before
