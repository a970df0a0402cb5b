"""Whether a value of one declared type may feed an input of another."""

from typing import Any

ANYTHING = frozenset({"*", "COMFY_MATCHTYPE_V3"})  # the second stands for "whatever its template resolves to"


def fits(received: Any, declared: Any, strict: bool = False) -> bool:
    """Whether an output of type `received` may feed an input of type `declared`.

    A type is a name, a comma list of names, or a list of allowed constants (a combo). Two types fit if they are equal,
    if one of them is `*`, or if their comma lists share a name; with `strict` the input must take every name of the
    output. A combo's list of constants also fits an input declared as `COMBO`.
    """
    # Packs ship `str` subclasses whose `!=` is always False and use them as wildcards: it is that operator, on the
    # original objects, that decides, and Python asks the subclass first on whichever side it stands.
    if not (received != declared):  # noqa: SIM202
        return True
    if isinstance(received, (list, tuple)) and isinstance(declared, str):
        return declared == "COMBO"
    if not isinstance(received, str) or not isinstance(declared, str):
        return False
    given, taken = _names(received), _names(declared)
    if taken & ANYTHING or given & ANYTHING:
        return True
    return given <= taken if strict else bool(given & taken)


def _names(type: str) -> frozenset[str]:
    return frozenset(name.strip() for name in type.split(","))
