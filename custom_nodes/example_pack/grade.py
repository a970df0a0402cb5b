"""A colour grade: lift, gamma and gain, then saturation. A V3 node."""

import torch
from comfy_api.latest import io

LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709


class ColourGrade(io.ComfyNode):
    """Grades images. `execute` is a class method and keeps no state: each call may run on a copy of the class."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ExampleColourGrade",
            display_name="Colour Grade",
            category="example/image",
            description="Adjust shadows, midtones, highlights and saturation.",
            inputs=[
                io.Image.Input("image"),
                io.Float.Input("lift", default=0.0, min=-0.5, max=0.5, step=0.01, tooltip="Added to the shadows."),
                io.Float.Input("gamma", default=1.0, min=0.1, max=5.0, step=0.01, tooltip="Above 1: lighter midtones."),
                io.Float.Input("gain", default=1.0, min=0.0, max=4.0, step=0.01, tooltip="Scales the highlights."),
                io.Float.Input("saturation", default=1.0, min=0.0, max=4.0, step=0.01),
                io.Mask.Input("mask", optional=True, tooltip="Where to grade; everywhere, without one."),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        lift: float,
        gamma: float,
        gain: float,
        saturation: float,
        mask: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        colour = image[..., :3]  # (B, H, W, 3); alpha stays as it is
        graded = (colour * (gain - lift) + lift).clamp(0, 1) ** (1 / gamma)
        grey = (graded * graded.new_tensor(LUMA)).sum(-1, keepdim=True)
        graded = (grey + (graded - grey) * saturation).clamp(0, 1)
        if mask is not None:
            graded = torch.lerp(colour, graded, mask.reshape(-1, *mask.shape[-2:], 1).to(colour))
        return io.NodeOutput(torch.cat((graded, image[..., 3:]), dim=-1))
