"""Records that people set in the control topic, checked: what all of them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import InvalidInput

_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"
Person = Annotated[str, Field(min_length=1, max_length=64, pattern=_NO_CONTROL_CHARACTERS)]
Words = Annotated[str, Field(max_length=500, pattern=_NO_CONTROL_CHARACTERS)]


class SetByPeople(BaseModel):
    """A record; what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AnyRecord = TypeVar("AnyRecord", bound=SetByPeople)


def checked(contract: type[AnyRecord], what: str, value: Mapping[str, Any]) -> AnyRecord:
    """The record of a value; raises InvalidInput, code ``{what}_invalid``, which names the field."""
    try:
        return contract.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        told = f"{field}: {text}" if field else text
        raise InvalidInput(f"{what}_invalid", f"{what}: {told}", field or None) from error
