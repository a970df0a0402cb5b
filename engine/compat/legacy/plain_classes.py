"""Built-in nodes as the classes that packs call directly: `nodes.CLIPTextEncode().encode(clip, text)`."""

from collections.abc import Generator
from typing import Any

from engine.compat import object_info
from engine.node.registry import Describe
from engine.node.spec import ExecutionBlocker, NodeType, Result

METHODS: dict[str, str] = {
    "CLIPTextEncode": "encode(clip, text)",
    "VAEEncode": "encode(vae, pixels)",
    "VAEDecode": "decode(vae, samples)",
    "VAEEncodeForInpaint": "encode(vae, pixels, mask, grow_mask_by)",
    "LoraLoader": "load_lora(model, clip, lora_name, strength_model, strength_clip)",
    "CheckpointLoaderSimple": "load_checkpoint(ckpt_name)",
    "ControlNetLoader": "load_controlnet(control_net_name)",
    "ControlNetApplyAdvanced": (
        "apply_controlnet(positive, negative, control_net, image, strength, start_percent, end_percent, vae)"
    ),
    "ConditioningZeroOut": "zero_out(conditioning)",
    "ConditioningConcat": "concat(conditioning_to, conditioning_from)",
    "ConditioningCombine": "combine(conditioning_1, conditioning_2)",
    "ConditioningAverage": "addWeighted(conditioning_to, conditioning_from, conditioning_to_strength)",
    "EmptyLatentImage": "generate(width, height, batch_size)",
    "ImageScale": "upscale(image, upscale_method, width, height, crop)",
    "LatentUpscaleBy": "upscale(samples, upscale_method, scale_by)",
    "InpaintModelConditioning": "encode(positive, negative, pixels, vae, mask, noise_mask)",
    "ImageUpscaleWithModel": "upscale(upscale_model, image)",
    "UpscaleModelLoader": "load_model(model_name)",
}
"""How packs call the classes that they call by position: the method's name, and its arguments in their order."""


def as_class(id: str, describe: Describe) -> type:
    """A node type as a class of the first generation. Its function takes arguments by position or by name.

    Inputs that are left out get their declared default, and the function returns a tuple of the slots, or a dict with
    `ui` where there is some.
    """
    type_ = describe()
    method, order = _signature(id, type_)

    def call(_: Any, *args: Any, **inputs: Any) -> Any:
        if len(args) > len(order):
            msg = f"{id}.{method}() takes {len(order)} arguments ({', '.join(order)}), but {len(args)} were given"
            raise TypeError(msg)
        return _called(describe(), dict(zip(order, args, strict=False)) | inputs)

    members: dict[str, Any] = {
        "__doc__": type_.description,
        "INPUT_TYPES": classmethod(lambda cls: object_info.entry(describe())["input"]),
        "RETURN_TYPES": tuple(each.type for each in type_.outputs),
        "RETURN_NAMES": tuple(each.name for each in type_.outputs),
        "OUTPUT_IS_LIST": tuple(each.is_list for each in type_.outputs),
        "OUTPUT_NODE": type_.is_output,
        "INPUT_IS_LIST": type_.takes_lists,
        "CATEGORY": type_.category,
        "DESCRIPTION": type_.description,
        "RELATIVE_PYTHON_MODULE": type_.module,
        "FUNCTION": method,
        method: call,
    }
    return type(id, (), members)


def _signature(id: str, type_: NodeType) -> tuple[str, list[str]]:
    if id in METHODS:
        method, _, arguments = METHODS[id].partition("(")
        return method, arguments.rstrip(")").split(", ")
    return "execute", [each.name for each in type_.inputs]


def _called(type_: NodeType, inputs: dict[str, Any]) -> Any:
    known = [each for each in type_.inputs if each.section != "hidden"]
    defaults = {each.name: each.options["default"] for each in known if each.required and "default" in each.options}
    given = {name: value for name, value in inputs.items() if value is not None or _takes(type_, name)}
    outcome: Any = type_.make()(**(defaults | given))
    if isinstance(outcome, Generator):
        from engine.diffusion.drive import alone

        outcome = alone(outcome)
    return outcome if not isinstance(outcome, Result) else _as_v1(outcome, len(type_.outputs))


def _takes(type_: NodeType, name: str) -> bool:
    """None is passed on for the inputs of the node, and dropped for those it does not have (a newer optional one)."""
    return type_.input(name) is not None


def _as_v1(result: Result, slots: int) -> Any:
    values = result.values
    plain = (values,) * slots if isinstance(values, ExecutionBlocker) else tuple(values)
    if result.ui is None and result.expand is None:
        return plain
    parts = {"ui": result.ui, "expand": result.expand}
    return {"result": plain} | {name: part for name, part in parts.items() if part is not None}
