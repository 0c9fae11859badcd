"""The policy that a process starts with: the default, or a file that is laid over it, or a clear refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.policy import default_policy_text, parse_policy
from schemas.errors import InvalidInput
from streams.policy_file import policy_text


def test_without_a_file_the_default_decides() -> None:
    """No file: the default policy, which is valid."""
    assert policy_text(None) == default_policy_text()
    assert parse_policy(policy_text(None)).version


def test_a_file_is_given_as_it_is(tmp_path: Path) -> None:
    """The text is what the firm wrote, Chinese included; parsing lays it over the default."""
    file = tmp_path / "policy.yaml"
    file.write_text("version: 我们的\n# ours\n", encoding="utf-8")
    assert policy_text(file) == "version: 我们的\n# ours\n"
    assert parse_policy(policy_text(file)).version == "我们的"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "no UTF-8"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """A file that is not there, or is no text, is wrong input with its path."""
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"policy\.yaml") as caught:
        policy_text(file)
    assert caught.value.code == "policy_unreadable"


def test_a_wrong_policy_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A typing error in the file is told with file, line and field."""
    file = tmp_path / "policy.yaml"
    file.write_text("# ours\nladder: {evidence_flor: 0}\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"policy\.yaml:2: ladder\.evidence_flor") as caught:
        policy_text(file)
    assert caught.value.field == "ladder.evidence_flor"


def test_settings_without_effect_are_worth_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The process starts all the same, and the log says how many there are and where the first one stands."""
    file = tmp_path / "policy.yaml"
    file.write_text("version: ours\nladder: {dwell_days: 14, probation_days: 30}\n", encoding="utf-8")
    assert parse_policy(policy_text(file)).version == "ours"
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("2 settings have no effect")
    assert "policy.yaml:2: ladder.dwell_days" in record.getMessage()
