"""What every mapping of fields in a plan is."""

from pydantic import BaseModel, ConfigDict


class Fields(BaseModel):
    """A mapping of fields in a plan: nothing but what is declared, never changed after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
