"""What import-linter cannot see: the heart asks no clock and opens no file by what it may import."""

from __future__ import annotations

import ast
from pathlib import Path

import models
import schemas

_FORBIDDEN = {"now", "today", "utcnow", "open", "print", "input", "write_text", "read_bytes", "read_text"}
_READS_ITS_OWN_POLICIES = "policy_text.py"


def test_the_heart_asks_no_clock_and_opens_no_file() -> None:
    """``datetime.now()`` and the like, and ``open()``; the policies that come with it are the one exception."""
    paths = [path for package in (models, schemas) for path in Path(str(package.__file__)).parent.rglob("*.py")]
    found = [
        f"{path.name}:{node.lineno} {ast.unparse(node)}"
        for path in paths if path.name != _READS_ITS_OWN_POLICIES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _called(node) in _FORBIDDEN
    ]  # fmt: skip
    assert len(paths) > 50
    assert found == []


def _called(call: ast.Call) -> str:
    """The name by which something is called: the last part of it."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
