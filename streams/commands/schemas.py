"""``creditpulse schemas``: write the published contracts, or check that they are up to date."""

from __future__ import annotations

from pathlib import Path

import click

from schemas.errors import CreditPulseError
from schemas.publish import published_files
from streams.commands.options import json_option
from streams.commands.show import print_json, tell

_DEFAULT = Path(__file__).resolve().parents[2] / "schemas" / "published"


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=_DEFAULT, help="Folder to write to.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file is stale.")
@json_option
def schemas(out: Path, check: bool, as_json: bool) -> None:
    """Generate JSON Schemas and the AsyncAPI document from the contracts.

    \b
    Example:  creditpulse schemas --check
    Exit codes: 0 up to date, or written; 1 a file is stale (with --check) or cannot be written.
    """
    stale = []
    for name, text in published_files().items():
        path = out / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            try:
                out.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise CreditPulseError(f"{error.filename}: {error.strerror}") from error
    found = {"folder": str(out), "stale": stale if check else [], "written": [] if check else stale}
    if check and stale:
        if as_json:
            print_json(found)
        raise CreditPulseError(f"stale: {', '.join(stale)}; run `creditpulse schemas`")
    tell(found, f"wrote {len(stale)} files to {out}" if stale else "up to date", as_json)
