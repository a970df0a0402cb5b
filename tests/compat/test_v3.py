"""Classes of the third generation, read as node types and called."""

import asyncio
from enum import Enum
from typing import Any, cast

import pytest

from engine.compat import object_info, v1, v3
from engine.compat.schema import io
from engine.node.spec import ExecutionBlocker, NodeType, Result


def node(returns: Any = None, inputs: list[Any] | None = None, **schema: Any) -> type[io.ComfyNode]:
    """A V3 class whose `execute` returns this, or what this function of its inputs gives."""

    class Probe(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema("Probe", inputs=inputs, outputs=[io.Int.Output()], **schema)

        @classmethod
        def execute(cls, **given: Any) -> Any:
            return returns(cls, given) if callable(returns) else returns

    return Probe


def described(*args: Any, **options: Any) -> NodeType:
    return v3.describe("Probe", node(*args, **options))


def result_of(cls: type[io.ComfyNode], **inputs: Any) -> Result:
    return cast("Result", v3.describe("Probe", cls).make()(**inputs))


def spec_of(declared: Any) -> list[Any]:
    entry = object_info.entry(described(inputs=[declared]))
    (spec,) = [*entry["input"]["required"].values(), *entry["input"].get("optional", {}).values()]
    return spec


class Mode(Enum):
    FAST = "fast"
    GOOD = "good"


@pytest.mark.parametrize(
    ("declared", "spec"),
    [
        (io.Image.Input("a", tooltip="t", lazy=True), ["IMAGE", {"tooltip": "t", "lazy": True}]),
        (
            io.Int.Input("a", default=1, min=0, max=9, step=2, control_after_generate=True),
            ["INT", {"default": 1, "min": 0, "max": 9, "step": 2, "control_after_generate": True}],
        ),
        (
            io.Float.Input("a", default=1.0, round=False, display_mode=io.NumberDisplay.slider),
            ["FLOAT", {"default": 1.0, "round": False, "display": "slider"}],
        ),
        (io.String.Input("a"), ["STRING", {"multiline": False}]),
        (
            io.String.Input("a", multiline=True, dynamic_prompts=True, force_input=True),
            ["STRING", {"multiline": True, "dynamicPrompts": True, "forceInput": True}],
        ),
        (io.Boolean.Input("a", label_on="yes"), ["BOOLEAN", {"label_on": "yes"}]),
        (
            io.Combo.Input("a", options=Mode, default=Mode.GOOD),
            ["COMBO", {"default": "good", "multiselect": False, "options": ["fast", "good"]}],
        ),
        (
            io.Combo.Input("a", ["x"], upload=io.UploadType.image, image_folder=io.FolderType.input),
            ["COMBO", {"multiselect": False, "options": ["x"], "image_folder": "input", "image_upload": True}],
        ),
        (
            io.MultiCombo.Input("a", options=["x"], chip=True),
            ["COMBO", {"multiselect": True, "options": ["x"], "multi_select": True, "chip": True}],
        ),
        (io.MultiType.Input("a", types=[io.Image, io.Mask]), ["IMAGE,MASK", {}]),
        (
            io.MultiType.Input(io.Float.Input("a", default=1.0), types=[io.Int]),
            ["FLOAT,INT", {"default": 1.0, "widgetType": "FLOAT"}],
        ),
        (io.AnyType.Input("a"), ["*", {}]),
        (io.Custom("MINE").Input("a", optional=True), ["MINE", {}]),
        (
            io.MatchType.Input("a", template=io.MatchType.Template("t", [io.Image, io.Mask])),
            ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "t", "allowed_types": "IMAGE,MASK"}}],
        ),
    ],
)
def test_an_input_is_told_with_the_options_that_were_said(declared: Any, spec: list[Any]) -> None:
    assert spec_of(declared) == spec


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (io.ClipVision, "CLIP_VISION"),
        (io.ControlNet, "CONTROL_NET"),
        (io.Load3D, "LOAD_3D"),
        (io.Load3DAnimation, "LOAD_3D_ANIMATION"),
        (io.Load3DCamera, "LOAD3D_CAMERA"),
        (io.SVG, "SVG"),
        (io.LatentOperation, "LATENT_OPERATION"),
    ],
)
def test_types_are_named_after_their_classes(kind: type[io.IoType], name: str) -> None:
    assert kind.io_type == kind.Input("a").io_type == name


def test_an_entry_has_all_keys_and_hidden_values_in_lists() -> None:
    entry = object_info.entry(described(hidden=[io.Hidden.unique_id], is_output_node=True))
    assert entry["input"] == {
        "required": {},
        "hidden": {"unique_id": ["UNIQUE_ID"], "prompt": ["PROMPT"], "extra_pnginfo": ["EXTRA_PNGINFO"]},
    }
    assert entry["display_name"] is None
    assert entry["output_tooltips"] == [None]
    assert [entry[flag] for flag in ("deprecated", "experimental", "api_node")] == [False] * 3


def test_an_id_that_is_used_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="'a'"):
        described(inputs=[io.Int.Input("a"), io.Float.Input("a")])


def test_a_class_without_its_required_functions_says_which() -> None:
    class Half(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema("Half")

    with pytest.raises(Exception, match=r"No execute function was defined for node class Half\."):
        v3.describe("Half", Half)


def test_a_call_sees_hidden_values_on_the_class_beside_an_input_of_the_same_name() -> None:
    cls = node(
        lambda cls, given: io.NodeOutput(cls.hidden.prompt, cls.hidden.unique_id, cls.hidden.dynprompt, given),
        inputs=[io.String.Input("prompt")],
        hidden=[io.Hidden.prompt, io.Hidden.unique_id],
    )
    inputs = {"prompt": "a cat", "hidden.prompt": {"1": {}}, "hidden.unique_id": "7"}
    assert result_of(cls, **inputs).values == ({"1": {}}, "7", None, {"prompt": "a cat"})
    assert [each.name for each in v3.describe("Probe", cls).hidden] == ["hidden.prompt", "hidden.unique_id"]


def test_nothing_can_be_set_on_the_class_during_a_call() -> None:
    def setting(cls: Any, given: dict[str, Any]) -> None:
        cls.counter = 1

    with pytest.raises(AttributeError, match="Cannot modify class attribute 'counter' on locked class 'ProbeClone'"):
        result_of(node(setting))


@pytest.mark.parametrize(
    ("returned", "values"),
    [
        (io.NodeOutput(1, 2), (1, 2)),
        (io.NodeOutput(), ()),
        ((1,), (1,)),
        (None, ()),
        ({"result": (4,)}, (4,)),
        ({"ui": {"text": ["x"]}}, ()),
    ],
)
def test_the_shapes_of_a_return_value(returned: Any, values: Any) -> None:
    assert result_of(node(returned)).values == values


@pytest.mark.parametrize(
    "returned", [ExecutionBlocker("no"), io.NodeOutput(block_execution="no"), io.NodeOutput(1, block_execution="no")]
)
def test_a_blocker_stops_all_slots_with_and_without_values(returned: Any) -> None:
    values = result_of(node(returned)).values
    assert isinstance(values, ExecutionBlocker)
    assert values.message == "no"


@pytest.mark.parametrize("returned", [[1], 5, "text"])
def test_other_return_values_are_errors(returned: Any) -> None:
    with pytest.raises(Exception, match="Invalid return type from node: <class"):
        result_of(node(returned))


def test_an_expansion_must_be_announced() -> None:
    output = io.NodeOutput(["1", 0], expand={"1": {}})
    with pytest.raises(Exception, match="Probe"):
        result_of(node(output))
    assert result_of(node(output, enable_expand=True)).expand == {"1": {}}


def test_ui_helpers_are_read() -> None:
    class Shown:
        def as_dict(self) -> dict[str, Any]:
            return {"text": ("x",)}

    assert result_of(node(io.NodeOutput(1, ui=Shown()))).ui == {"text": ("x",)}


def test_an_async_node_stays_async() -> None:
    class Waits(node()):
        @classmethod
        async def execute(cls, **given: Any) -> io.NodeOutput:
            return io.NodeOutput(5)

    type_ = v3.describe("Waits", Waits)
    assert type_.is_async
    assert asyncio.run(cast("Any", type_.make()())).values == (5,)
    assert Waits.FUNCTION == "EXECUTE_NORMALIZED_ASYNC"


def test_questions_are_there_only_if_a_class_overrides_them() -> None:
    plain = described()
    assert (plain.validator, plain.fingerprint, plain.unmet) == (None, None, None)

    class Asked(node(inputs=[io.Int.Input("a")], hidden=[io.Hidden.prompt])):
        @classmethod
        def validate_inputs(cls, a: int) -> Any:
            return cls.hidden.prompt == {} and a > 0

        @classmethod
        def fingerprint_inputs(cls, a: int) -> Any:
            return (a, cls.hidden.prompt)

        @classmethod
        def check_lazy_status(cls, a: Any) -> Any:
            return ["a"] if a is None else []

    type_ = v3.describe("Asked", Asked)
    assert type_.validator is not None
    assert type_.validator.names == {"a"}
    assert type_.validator.ask(a=1) is True
    assert type_.fingerprint is not None
    assert type_.fingerprint.ask(**{"a": 1, "hidden.prompt": {}}) == (1, None)
    assert type_.unmet is not None
    assert type_.unmet(type_.make(), {"a": None}) == ["a"]


IMAGES = io.Autogrow.Input("images", io.Autogrow.TemplatePrefix(io.Image.Input("image"), "image", min=1, max=3))
RESIZE = io.DynamicCombo.Input(
    "resize",
    [
        io.DynamicCombo.Option("size", [io.Int.Input("width"), IMAGES]),
        io.DynamicCombo.Option("scale", [io.Float.Input("factor")]),
    ],
)


def given(_: Any, inputs: dict[str, Any]) -> io.NodeOutput:
    return io.NodeOutput(inputs)


def test_grown_inputs_come_as_a_dict() -> None:
    cls = node(given, inputs=[IMAGES, io.Int.Input("n")])
    result = result_of(cls, **{"images.image0": "a", "images.image2": "c", "n": 1})
    assert result.values == ({"images": {"image0": "a", "image2": "c"}, "n": 1},)
    type_ = v3.describe("Probe", cls)
    assert not type_.inputs[0].required
    members = [type_.input(f"images.image{row}") for row in range(4)]
    assert [each and (each.type, each.section) for each in members] == [
        ("IMAGE", "required"),
        ("IMAGE", "optional"),
        ("IMAGE", "optional"),
        None,
    ]


def test_a_choice_comes_with_its_inputs_however_deep() -> None:
    cls = node(given, inputs=[RESIZE])
    inputs = {"resize": "size", "resize.width": 64, "resize.images.image0": "a"}
    assert result_of(cls, **inputs).values == ({"resize": {"resize": "size", "width": 64, "images": {"image0": "a"}}},)
    found = v3.describe("Probe", cls).input("resize.factor")
    assert found is not None
    assert found.type == "FLOAT"


def test_lazy_members_of_a_group_come_with_the_names_to_ask_for() -> None:
    class Lazy(node(given, inputs=[IMAGES])):
        @classmethod
        def check_lazy_status(cls, images: dict[str, Any]) -> list[str]:
            return [key for value, key in images.values() if value is None]

    type_ = v3.describe("Lazy", Lazy)
    assert type_.unmet is not None
    inputs = {"images.image0": None, "images.image1": 1}
    assert type_.unmet(type_.make(), inputs) == ["images.image0"]


def test_a_v3_class_shows_itself_under_the_names_of_the_first_generation() -> None:
    cls = node(io.NodeOutput(3), inputs=[io.Int.Input("a")], category="tests")
    assert cls.INPUT_TYPES() == {"required": {"a": ["INT", {}]}}
    assert (cls.RETURN_TYPES, cls.RETURN_NAMES, cls.CATEGORY) == (["INT"], ["INT"], "tests")
    assert getattr(cls, cls.FUNCTION)(a=1)[0] == 3


def test_a_v1_class_may_return_a_v3_output() -> None:
    body: dict[str, Any] = {
        "INPUT_TYPES": classmethod(lambda cls: {}),
        "RETURN_TYPES": ("INT",),
        "FUNCTION": "run",
        "run": lambda self: io.NodeOutput(1, ui={"text": ["x"]}),
    }
    result = cast("Result", v1.describe("Old", type("Old", (), body)).make()())
    assert (result.values, result.ui) == ((1,), {"text": ["x"]})
