"""What is shipped beside the code is true to it: compose file, image, settings example, README, licence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from streams.cli import main
from streams.embedded.kafka_jars import kafka_version
from streams.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
DOCS = ["README.md", "bench/README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
OUR_FOLDERS = ("schemas", "models", "streams", "alerts", "desk", "bench", "tests")
VARIABLES = {f"CREDITPULSE_{name.upper()}": field for name, field in Settings.model_fields.items()}
NOT_SETTINGS = {"CREDITPULSE_KAFKA_HOME", "CREDITPULSE_TEST_BROKER"}
"""Variables of development, read where they are used."""


def text(name: str) -> str:
    """A file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def variables_in(content: str) -> set[str]:
    """The CREDITPULSE_ variables that a text names."""
    return set(re.findall(r"CREDITPULSE_[A-Z_]*[A-Z]", content)) - NOT_SETTINGS


def test_compose_file_is_of_the_specification() -> None:
    """The compose file fits the published JSON Schema of the Compose Specification (a copy lies beside this file)."""
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    problems = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(COMPOSE)]
    assert problems == []


def test_compose_services_depend_on_what_exists() -> None:
    """Every dependency is a service, on a condition that it can fulfil; every named volume is declared."""
    for name, service in SERVICES.items():
        for other, condition in service.get("depends_on", {}).items():
            ends = SERVICES[other].get("restart") == "no"
            wanted = "service_completed_successfully" if ends else "service_healthy"
            assert condition == {"condition": wanted}, f"{name} on {other}"
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"], name
    assert set(COMPOSE["volumes"]) == {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_has_a_health_check(name: str) -> None:
    """What runs for good is watched; what ends says so, and then its exit code counts."""
    service = SERVICES[name]
    check = service["healthcheck"]
    assert check == {"disable": True} if service["restart"] == "no" else check["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_to_the_network(name: str) -> None:
    """Ports are open to this machine only, and no two services want the same one."""
    ports = SERVICES[name].get("ports", [])
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    others = [port.split(":")[1] for other in SERVICES if other != name for port in SERVICES[other].get("ports", [])]
    assert not {port.split(":")[1] for port in ports} & set(others)


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS])
def test_images_of_others_are_pinned(name: str) -> None:
    """An image of others has a tag that names a version."""
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?", SERVICES[name]["image"])


def test_compose_runs_the_kafka_that_is_tested() -> None:
    """The Kafka of the compose file is the one that `make test-kafka` runs on."""
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_no_rights_to_spare(name: str) -> None:
    """Our containers cannot write to their image, hold no capabilities and gain none."""
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_exist(name: str) -> None:
    """Each command line of ours is one that the CLI takes, and its settings are valid."""
    service = SERVICES[name]
    assert parses(service["command"])
    values = {key: value for key, value in service["environment"].items() if "PASSWORD" not in key}
    assert variables_in(" ".join(values)) == set(values) <= set(VARIABLES)
    Settings(_env_file=None, **{key.removeprefix("CREDITPULSE_").lower(): value for key, value in values.items()})


@pytest.mark.parametrize("name", [name for name in OURS if SERVICES[name]["restart"] != "no"])
def test_health_checks_ask_the_port_that_is_served(name: str) -> None:
    """The health check asks the port that the service's settings give it, which is also the one that is published."""
    service = SERVICES[name]
    own = {
        "archive": "CREDITPULSE_ARCHIVE_PORT",
        "api": "CREDITPULSE_API_PORT",
        "desk": "CREDITPULSE_DESK_PORT",
        "dispatch": "CREDITPULSE_DISPATCH_PORT",
    }
    port = service["environment"][own.get(name, "CREDITPULSE_WEB_PORT")]
    assert f"http://127.0.0.1:{port}/health" in service["healthcheck"]["test"][-1]
    assert [published.split(":")[2] for published in service["ports"]] == [port]
    compile(service["healthcheck"]["test"][-1], name, "exec")


def test_each_process_has_an_instance_id_of_its_own() -> None:
    """Two workers with one instance id would throw each other out of the group."""
    ids = [SERVICES[name]["environment"].get("CREDITPULSE_INSTANCE_ID") for name in ("gate", "engine")]
    assert len({*ids, None}) == 3


@pytest.mark.parametrize("name", ["docker-compose.yml", ".env.example", "Dockerfile"])
def test_no_secret_has_a_value(name: str) -> None:
    """Passwords are asked for, never given: not even as a default."""
    for line in text(name).splitlines():
        found = re.search(r"(PASSWORD|SECRET|TOKEN)[A-Z_]*\s*[:=]\s*(.*)", line)
        if found:
            assert re.fullmatch(r"|\$\{[A-Z_]+:\?[^}]+\}", found.group(2).strip()), line


def test_settings_example_is_complete_and_true() -> None:
    """Every setting is in .env.example with its default, and nothing else is."""
    shown = dict(re.findall(r"^#(CREDITPULSE_[A-Z_]+)=(.*)$", text(".env.example"), re.MULTILINE))
    expected = {}
    for variable, field in VARIABLES.items():
        expected[variable] = "" if field.default is None else str(field.default)
    assert shown == expected


def test_settings_table_is_complete() -> None:
    """docs/operations.md explains every setting, and no file names one that does not exist."""
    rows = set(re.findall(r"^\| `(CREDITPULSE_[A-Z_]+)`", text("docs/operations.md"), re.MULTILINE))
    assert rows == set(VARIABLES)
    for name in [*DOCS, "docker-compose.yml", "Dockerfile", ".env.example", "Makefile"]:
        assert variables_in(text(name)) <= set(VARIABLES), name


def test_image_copies_what_exists_and_what_the_context_holds() -> None:
    """What the Dockerfile takes is in the project, and .dockerignore lets just that through; it runs without root."""
    dockerfile = text("Dockerfile")
    allowed = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []
    stages = re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE)
    assert set(re.findall(r"--from=(\w+)", dockerfile)) <= set(stages)
    users = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    assert users == ["10001:10001"]
    assert "HEALTHCHECK" in dockerfile


def test_image_has_every_package() -> None:
    """The image holds the packages that the import contract names, all of them."""
    pyproject = text("pyproject.toml")
    found = re.search(r"^root_packages = (\[.*\])$", pyproject, re.MULTILINE)
    assert found is not None
    packages = set(json.loads(found.group(1)))
    assert packages <= {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}


@pytest.mark.parametrize("name", DOCS)
def test_docs_name_make_verbs_that_exist(name: str) -> None:
    """Every `make VERB` in the docs is in the Makefile."""
    verbs = set(re.findall(r"^([a-z-]+):.*##", text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code_in(text(name)))) <= verbs


@pytest.mark.parametrize("name", DOCS)
def test_docs_name_commands_that_exist(name: str) -> None:
    """Every `creditpulse ...` line in the docs is one that the CLI takes, with options that it has."""
    lines = re.findall(r"^(?:[A-Z_]+=\S+ )*(?:\S*/)?creditpulse ([^\n#]+)", code_in(text(name)), re.MULTILINE)
    assert [line for line in lines if not parses(line.split("  ")[0].split(" | ")[0].split(" > ")[0].split())] == []


@pytest.mark.parametrize("name", DOCS)
def test_links_in_docs_lead_somewhere(name: str) -> None:
    """Every relative link and picture in the docs is a file of the project."""
    links = re.findall(r"\]\(([^)#\s]+)", text(name)) + re.findall(r'src="([^"]+)"', text(name))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / name).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("name", DOCS)
def test_docs_name_files_that_exist(name: str) -> None:
    """Every file of ours in backticks is in the project, by its path or the end of it."""
    ours = [str(path.relative_to(ROOT)) for top in OUR_FOLDERS for path in (ROOT / top).rglob("*.*")]
    named = set(re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|sql|css|js))`", text(name)))
    assert [file for file in named if not any(f"/{path}".endswith(f"/{file}") for path in ours)] == []


def test_licence_is_apache_2() -> None:
    """The licence file is the one that pyproject names, whole."""
    licence = text("LICENSE")
    assert "Apache License\n" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert 'license = "Apache-2.0"' in text("pyproject.toml")


def test_changelog_has_this_version() -> None:
    """The version of pyproject has an entry, and the image of the compose file carries it."""
    found = re.search(r'^version = "(.+)"$', text("pyproject.toml"), re.MULTILINE)
    assert found is not None
    assert f"## [{found.group(1)}]" in text("CHANGELOG.md")
    assert {SERVICES[name]["image"] for name in OURS} == {f"creditpulse:{found.group(1)}"}


def code_in(markdown: str) -> str:
    """The code of a Markdown text: fenced blocks, and spans one a line."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL))
    return "\n".join([*blocks, *spans])


def parses(words: list[str]) -> bool:
    """Whether the words are a command line of the CLI: commands and options exist (files need not)."""
    command: click.Command = main
    context = click.Context(main)
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        if found is None:
            return words[0] in ("--help", "--version")
        command, words = found, words[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.split("=")[0] for word in words if word.startswith("--")}
    return given <= options | {"--help"}
