"""``creditpulse alerts`` where it needs no broker: the routing file, and what is refused before anything is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import main

ROUTING = """\
version: t
receivers:
  - {name: desk, channels: ["${DESK_MAIL}"]}
  - {name: head}
route:
  receiver: desk
  group_by: [group]
  routes:
    - {receiver: head, matchers: ['severity="critical"'], continue: true, group_by: ["..."], group_wait: 0}
    - {receiver: desk, matchers: ['region=~"CN|HK"'], group_by: [owner]}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "routing.yaml"
    path.write_text(ROUTING)
    return str(path)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["alerts", *words])


def test_a_right_file_is_told_with_the_channels_that_have_no_url(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("routing", "check", file, "--json")
    assert json.loads(done.output) == {"version": "t", "receivers": 2, "channels_without_url": ["${DESK_MAIL}"]}
    monkeypatch.setenv("DESK_MAIL", "mailto://example.org")
    assert json.loads(run("routing", "check", file, "--json").output)["channels_without_url"] == []


def test_a_wrong_file_ends_with_2_and_the_line(file: str) -> None:
    path = Path(file)
    path.write_text(ROUTING.replace("group_wait: 0", "group_wait: soon"))
    done = run("routing", "check", file)
    assert done.exit_code == 2
    assert "routing.yaml:9: route.routes.0.group_wait: must be a duration" in done.output


def test_explain_names_every_receiver_and_group(file: str) -> None:
    labels = ["severity=critical", "region=CN", "owner=li", "customer=C1", "group=G1"]
    done = run("routing", "explain", file, *(word for label in labels for word in ("--label", label)), "--json")
    found = json.loads(done.output)
    assert [(one["receiver"], one["route"], one["group_wait"]) for one in found] == [
        ("head", "0.0", "0"), ("desk", "0.1", "30s"),
    ]  # fmt: skip
    assert found[1]["group"] == {"owner": "li"}
    assert len(found[0]["group"]) == 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["routing", "explain", "FILE", "--label", "colour=red"], "must be name=value with one of"),
        (["silence", "add", "--match", "customer=C1", "--reason", "why", "--for", "long"], "--for: must be a duration"),
    ],
)
def test_a_wrong_option_ends_with_2(words: list[str], told: str, file: str) -> None:
    done = run(*(file if word == "FILE" else word for word in words))
    assert (done.exit_code, told in done.output) == (2, True), done.output
