"""What clients send, read with care: JSON whatever it is called, and answers that are errors."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from aiohttp import web


def refused(status: int, text: str, **more: Any) -> web.HTTPException:
    """An error answer as JSON, to be raised."""
    body = json.dumps({"error": text, **more})
    kinds: dict[int, type[web.HTTPException]] = {
        400: web.HTTPBadRequest,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        409: web.HTTPConflict,
        422: web.HTTPUnprocessableEntity,
        503: web.HTTPServiceUnavailable,
        507: web.HTTPInsufficientStorage,
    }
    return kinds[status](text=body, content_type="application/json")


async def read_json(request: web.Request) -> Any:
    """The body as JSON. Raises 400 for what is none; NaN and infinities are none, however they are written."""
    try:
        return json.loads(await request.text(), parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError, UnicodeDecodeError) as error:
        raise refused(400, f"the body is not JSON: {error}") from error


async def read_object(request: web.Request, *, optional: bool = False) -> Mapping[str, Any]:
    """The body as a JSON object. Raises 400; an optional one may be missing or anything else."""
    if optional and not request.can_read_body:
        return {}
    try:
        body = await read_json(request)
    except web.HTTPBadRequest:
        if optional:
            return {}
        raise
    if isinstance(body, Mapping):
        return body
    if optional:
        return {}
    raise refused(400, f"the body must be a JSON object, not {type(body).__name__}")


def whole_number(request: web.Request, name: str, default: int | None, least: int | None = None) -> int | None:
    """A whole number of the query. Raises 400."""
    text = request.query.get(name)
    if text is None or text == "":
        return default
    try:
        number = int(text)
    except ValueError as error:
        raise refused(400, f"{name} must be a whole number, not {text[:40]!r}") from error
    if abs(number) >= 2**53:  # what programs in browsers can count
        raise refused(400, f"{name} is too large")
    if least is not None and number < least:
        raise refused(400, f"{name} must be {least} or more, not {number}")
    return number


def texts(values: Any, what: str) -> list[str]:
    """A list of texts out of a body. Raises 400."""
    if not isinstance(values, list) or not all(isinstance(each, int) or is_text(each) for each in values):
        raise refused(400, f"{what} must be a list of texts")
    return [str(each) for each in values]


def is_text(value: Any) -> bool:
    """Whether a value is a text that can be written down: half of a pair of surrogates cannot."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def raw_json(text: str, status: int = 200) -> web.Response:
    """An answer whose body is JSON already."""
    return web.Response(text=text, content_type="application/json", status=status)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
