"""What a client must know of a request of the protocol; ``operations_generated.py`` has them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .errors import ContextManagerError, caused

Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class Operation(Generic[Reply]):
    type: str
    #: Where it acts: ``payload``, ``payload_or_all``, ``items``, ``key``, ``server``, ``none``.
    namespace: str
    #: Whether it may be made again when nobody knows whether it was done: ``always``, ``with_id``, ``with_made_id``,
    #: ``never``.
    repeat: str
    #: The field that holds what is stored together.
    items: str | None
    #: The field whose items have ids of their own, while the rest holds for all of them.
    ids_in: str | None
    parse: Callable[[Mapping[str, Any]], Reply]

    def reply(self, payload: Any) -> Reply:
        """Raises ``PROTOCOL_ERROR`` where what must be in it is not."""
        try:
            return self.parse(payload)
        except (LookupError, TypeError, AttributeError) as error:
            message = f"the reply to {self.type} is not what it should be: {type(error).__name__} {error}"
            raise caused(ContextManagerError("PROTOCOL_ERROR", message), error) from error
