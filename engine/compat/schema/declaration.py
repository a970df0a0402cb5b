"""`io.Schema`: all that a V3 class declares of its node, and the hidden values that it may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.compat.schema.sockets import SocketInput, SocketOutput


class Hidden(StrEnum):
    """What a node may be told beside its inputs."""

    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"
    auth_token_comfy_org = "AUTH_TOKEN_COMFY_ORG"  # noqa: S105 - the keyword, not a token
    api_key_comfy_org = "API_KEY_COMFY_ORG"


class HiddenHolder:
    """The hidden values of one call, as `cls.hidden`: what was not asked for, and what nobody knows, is None."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.values.get(name)


@dataclass
class Schema:
    """A node's declaration. `enable_expand` must be said by a node that returns `expand`."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[SocketInput] | None = None
    outputs: list[SocketOutput] | None = None
    hidden: list[Hidden] | None = None
    description: str = ""
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False
    search_aliases: list[str] = field(default_factory=list[str])
    is_dev_only: bool = False
    essentials_category: str | None = None

    def validate(self) -> None:
        """Raise ValueError for an id that is used twice among the inputs, or twice among the outputs."""
        for kind, sockets in (("input", self.inputs or []), ("output", self.outputs or [])):
            ids = [each.id for each in sockets if each.id is not None]
            if twice := sorted({each for each in ids if ids.count(each) > 1}):
                msg = f"schema of {self.node_id}: the {kind} ids {', '.join(map(repr, twice))} are used more than once"
                raise ValueError(msg)

    def finalize(self) -> None:
        """Name the outputs without an id, and add the hidden values that follow from the kind of node."""
        for index, output in enumerate(self.outputs or []):
            if output.id is None:
                output.id = f"_{index}_{output.io_type}_"
        hidden = list(self.hidden or [])
        if self.is_output_node:
            hidden += [Hidden.prompt, Hidden.extra_pnginfo]
        if self.is_api_node:
            hidden += [Hidden.auth_token_comfy_org, Hidden.api_key_comfy_org]
        self.hidden = list(dict.fromkeys(hidden)) or None
