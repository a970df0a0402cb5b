"""Nodes of the first generation, one for each thing that an executor must do with them."""

import asyncio
import json
import time
from collections import Counter

import comfy.utils
import server
from aiohttp import web
from comfy_execution.graph_utils import ExecutionBlocker, GraphBuilder
from comfy_execution.utils import get_executing_context
from PIL import Image

CALLS = Counter()


class Anything(str):
    def __ne__(self, other):
        return False

    __hash__ = str.__hash__


ANY = Anything("*")


class Flexible(dict):
    def __contains__(self, key):
        return True

    def __getitem__(self, key):
        return dict.get(self, key, (ANY,))


def node(required=None, returns=(), output=False, **attributes):
    """A class of the first generation around a function."""

    def decorate(function):
        inputs = {"required": required or {}, **attributes.pop("more", {})}
        body = {
            "INPUT_TYPES": classmethod(lambda cls: inputs),
            "RETURN_TYPES": returns,
            "FUNCTION": "go",
            "CATEGORY": "probe",
            "OUTPUT_NODE": output,
            "go": function,
            **attributes,
        }
        NODE_CLASS_MAPPINGS[function.__name__] = type(function.__name__, (), body)
        return function

    return decorate


def said(*values):
    return {"ui": {"text": [json.dumps(value) for value in values]}}


NODE_CLASS_MAPPINGS = {}
EVERYTHING = {
    "i": ("INT", {"default": 1, "min": 0, "max": 10}),
    "f": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0}),
    "s": ("STRING", {"default": ""}),
    "b": ("BOOLEAN", {"default": False}),
    "c": (["one", "two"], {"default": "one"}),
}
LONG = [f"option {number}" for number in range(30)]


@node(EVERYTHING, output=True, more={"optional": {"o": ("COMBO", {"options": ["x", "y"]}), "l": (LONG,)}})
def Everything(self, **given):
    return said({name: [type(value).__name__, value] for name, value in sorted(given.items())})


@node({"value": ("INT", {"default": 0})}, ("INT",))
def Number(self, value):
    CALLS[f"number {value}"] += 1
    return (value,)


@node({"value": ("STRING", {"default": ""})}, ("STRING",))
def Text(self, value):
    return (value,)


@node({"a": ("INT", {"default": 0}), "b": ("INT", {"default": 0})}, ("INT",))
def Add(self, a, b):
    return (a + b,)


@node({"value": (ANY,)}, output=True)
def Show(self, value):
    return said(value)


@node({"values": (ANY,)}, output=True, INPUT_IS_LIST=True)
def ShowList(self, values):
    return said(values)


@node({"count": ("INT", {"default": 2})}, ("INT",), OUTPUT_IS_LIST=(True,))
def Spread(self, count):
    return (list(range(count)),)


@node({"a": (ANY,), "b": (ANY,)}, ("PAIR",))
def Pair(self, a, b):
    return ([a, b],)


@node({}, ("BOOLEAN",), OUTPUT_IS_LIST=(True,))
def Flags(self):
    return ([True, False],)


@node({"image": ("IMAGE",)}, output=True)
def WantsImage(self, image):
    return said("image")


@node({"value": ("INT,FLOAT",)}, output=True)
def WantsNumber(self, value):
    return said(value)


def validate(mode, level=None):
    match mode:
        case "no":
            return False
        case "reason":
            return "not today"
        case "raise":
            raise RuntimeError("cannot tell")
    return True


@node(
    {"mode": ("STRING", {"default": "yes"}), "level": ("INT", {"max": 3})},
    output=True,
    VALIDATE_INPUTS=staticmethod(validate),
)
def Judged(self, mode, level):
    return said([mode, level])


@node(
    {"value": ("MASK",)},
    output=True,
    VALIDATE_INPUTS=classmethod(lambda cls, input_types: input_types == {"value": "INT"} or repr(input_types)),
)
def JudgesTypes(self, value):
    return said(value)


@node(
    {"which": ("BOOLEAN",), "yes": ("INT", {"lazy": True}), "no": ("INT", {"lazy": True})},
    ("INT",),
    check_lazy_status=lambda self, which, yes, no: ["yes" if which else "no"],
)
def Choose(self, which, yes, no):
    return (yes if which else no,)


@node({"value": ("INT", {"lazy": True})}, output=True, check_lazy_status=lambda self, value: ["missing"])
def AsksForNothing(self, value):
    return said(value)


@node({"value": ("INT", {"rawLink": True})}, output=True)
def Raw(self, value):
    return said(value)


@node({"value": ("INT", {"default": 0})}, ("INT", "STRING"))
def Expands(self, value):
    graph = GraphBuilder()
    one = graph.node("Number", value=value)
    two = graph.node("Add", a=one.out(0), b=100)
    return {"result": (two.out(0), "plain"), "expand": graph.finalize()}


@node({"times": ("INT",), "value": ("INT",)}, ("INT",))
def Countdown(self, times, value):
    if times <= 0:
        return (value,)
    graph = GraphBuilder()
    more = graph.node("Add", a=value, b=1)
    again = graph.node("Countdown", times=times - 1, value=more.out(0))
    return {"result": (again.out(0),), "expand": graph.finalize()}


@node({"value": ("INT",)}, ("INT",))
def ExpandsToFailure(self, value):
    graph = GraphBuilder()
    return {"result": (graph.node("Fails", message="inside").out(0),), "expand": graph.finalize()}


@node({"value": ("INT",)}, ("INT",))
def ExpandsToShow(self, value):
    graph = GraphBuilder()
    shown = graph.node("Show", "show", value=value)
    shown.set_override_display_id("other")
    return {"result": (value,), "expand": graph.finalize()}


@node({"what": ("STRING",)}, ("INT",), more={"hidden": {"id": "UNIQUE_ID"}})
def ExpandsBadly(self, what, id):
    graph = GraphBuilder()
    one = graph.node("Add", a=1, b=2)
    match what:
        case "unknown":
            return {"result": (graph.node("NoSuchNode").out(0),), "expand": graph.finalize()}
        case "no result":
            return {"expand": graph.finalize()}
        case "cycle":
            two = graph.node("Add", a=one.out(0), b=1)
            one.set_input("a", two.out(0))
            return {"result": (two.out(0),), "expand": graph.finalize()}
        case _:
            return {"result": ([id, 0],), "expand": {id: {"class_type": "Add", "inputs": {"a": 1, "b": 1}}}}


@node({"message": ("STRING", {"default": "boom"})}, ("INT",))
def Fails(self, message, after=None):
    raise ValueError(message)


@node({}, ("INT",))
def GivesUiAlone(self):
    return {"ui": {"text": ["alone"]}}


@node({}, ("A", "B"))
def GivesText(self):
    return "ab"


@node({"value": ("INT",)}, ("INT",))
def BlocksOdd(self, value):
    return (ExecutionBlocker(None) if value % 2 else value,)


@node({"value": ("INT",)}, ("WHERE",))
def Where(self, value):
    context = get_executing_context()
    return ([context.prompt_id, context.node_id, context.list_index],)


@node({"number": ("INT",), "other": ("INT",)}, output=True)
def Expects(self, number, other):
    return said([number, other])


@node({"line": ("STRING",)}, output=True)
def Prints(self, line):
    print(line)  # noqa: T201 - as packs do
    return said(line)


@node({}, ("INT",))
def GivesNone(self):
    return None


@node({"message": ("STRING", {"default": ""})}, ("INT",))
def Blocks(self, message):
    return (ExecutionBlocker(message or None),)


@node({"tag": ("STRING", {"default": ""})}, ("INT",))
def Counts(self, tag):
    CALLS[tag] += 1
    return (CALLS[tag],)


@node(
    {"tag": ("STRING", {"default": ""}), "print": ("STRING", {"default": ""})},
    ("INT",),
    IS_CHANGED=classmethod(lambda cls, tag, print: float("nan") if print == "nan" else print),
)
def CountsChanged(self, tag, print):
    CALLS[tag] += 1
    return (CALLS[tag],)


def unsure(cls, tag):
    raise OSError("cannot tell")


@node({"tag": ("STRING", {"default": ""})}, ("INT",), IS_CHANGED=classmethod(unsure))
def CountsUnsure(self, tag):
    CALLS[tag] += 1
    return (CALLS[tag],)


@node({"tag": ("STRING",)}, ("INT",), NOT_IDEMPOTENT=True)
def CountsEach(self, tag):
    CALLS[tag] += 1
    return (CALLS[tag],)


@node({}, ("INT",), IS_CHANGED=classmethod(lambda cls: float("nan")))
def Remembers(self):
    self.calls = getattr(self, "calls", 0) + 1
    return (self.calls,)


HIDDEN = {
    "prompt": "PROMPT",
    "live": "DYNPROMPT",
    "info": "EXTRA_PNGINFO",
    "id": "UNIQUE_ID",
    "token": "AUTH_TOKEN_COMFY_ORG",
    "key": "API_KEY_COMFY_ORG",
    "odd": "NOTHING_KNOWN",
}


@node({"value": ("INT",)}, output=True, more={"hidden": HIDDEN})
def Hidden(self, value, prompt, live, info, id, token, key, **more):
    return said({"prompt": prompt, "live": sorted(live.all_node_ids()), "info": info, "id": id, "token": token})


@node({}, output=True)
def TakesAll(self, **given):
    return said(dict(sorted(given.items())))


@node({}, output=True, more={"optional": Flexible()})
def TakesAny(self, **given):
    return said(dict(sorted(given.items())))


@node({"steps": ("INT",), "pause": ("FLOAT",)}, output=True)
def Works(self, steps, pause):
    bar = comfy.utils.ProgressBar(steps)
    for _ in range(steps):
        time.sleep(pause)
        bar.update_absolute(bar.current + 1, steps, ("JPEG", Image.new("RGB", (8, 4), (200, 10, 10)), None))
    return said(steps)


@node({"text": ("STRING",)}, output=True, more={"hidden": {"id": "UNIQUE_ID"}})
def Tells(self, text, id):
    server.PromptServer.instance.send_progress_text(text, id)
    return said(text)


async def wait_a_little(self, seconds, value):
    begun = time.monotonic()
    await asyncio.sleep(seconds)
    return ([begun, time.monotonic()],)


node({"seconds": ("FLOAT",), "value": ("INT",)}, ("SPAN",))(wait_a_little)


async def fail_later(self, seconds):
    await asyncio.sleep(seconds)
    raise ValueError("later")


node({"seconds": ("FLOAT",)}, ("INT",), output=True)(fail_later)


@node({"number": ("INT",)}, output=True)
def ManyKinds(self, number):
    return {"ui": {"text": [f"n{number}"], "own": [{"deep": [number]}], "animated": (False,)}}


class Indescribable:
    RETURN_TYPES, FUNCTION, CATEGORY = (), "go", "probe"

    @classmethod
    def INPUT_TYPES(cls):
        raise OSError("no such folder")


NODE_CLASS_MAPPINGS["Indescribable"] = Indescribable
NODE_CLASS_MAPPINGS["EmptyImage"] = Indescribable  # a name that is taken stays with whom has it
NODE_DISPLAY_NAME_MAPPINGS = {"Show": "Show a value"}
NODE_CLASS_MAPPINGS["Show"].DESCRIPTION = "Shows."
NODE_CLASS_MAPPINGS["Show"].DEPRECATED = True
WEB_DIRECTORY = "web"

routes = server.PromptServer.instance.routes


@routes.get("/probe/calls")
async def calls(request):
    return web.json_response(CALLS)


@routes.put("/probe/echo/{name}")
async def echo(request):
    body = await request.read()
    headers = {"X-Probe": request.headers.get("X-Probe", ""), "Content-Type": "application/x-probe"}
    return web.Response(body=body[::-1], status=202, headers=headers)


@routes.get("/probe/fails")
async def fails(request):
    raise RuntimeError("a pack's own fault")


@routes.post("/probe/send")
async def send(request):
    told = await request.json()
    server.PromptServer.instance.send_sync(told["event"], told["data"], told.get("sid"))
    return web.Response()
