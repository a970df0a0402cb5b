"""Nodes of the third generation, in a pack that is one file."""

import json

from comfy_api.latest import ComfyExtension, io


class Halves(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Halves",
            display_name="Halves",
            category="probe",
            description="Half of a number, and the rest.",
            inputs=[
                io.Int.Input("value", default=4, min=0, max=100, tooltip="what to halve"),
                io.Combo.Input("how", options=["down", "up"], default="down"),
            ],
            outputs=[io.Int.Output(display_name="half"), io.Int.Output("rest")],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            is_experimental=True,
        )

    @classmethod
    def validate_inputs(cls, value):
        return True if value != 13 else "13 is not halved"

    @classmethod
    def execute(cls, value, how):
        half = value // 2 if how == "down" else -(-value // 2)
        return io.NodeOutput(half, value - half, ui={"text": [json.dumps([half, cls.hidden.unique_id])]})


class Second(ComfyExtension):
    async def get_node_list(self):
        return [Halves]


async def comfy_entrypoint():
    return Second()
