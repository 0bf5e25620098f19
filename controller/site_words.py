"""What all tables of a site file share: how strict they are, and what names, texts and seconds may be."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Gpio = Annotated[int, Field(ge=0, le=53)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Topic = Annotated[str, Field(min_length=1, max_length=500)]

Language = Literal["pl", "en", "de"]
Text = Annotated[str, Field(min_length=1, max_length=80)]


class Table(BaseModel):
    """A table of the file: unknown keys are errors, types are what TOML says they are."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
