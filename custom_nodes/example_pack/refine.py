"""A loop by expansion: the node puts a chain of sampling passes in its own place. A V3 node."""

from comfy_api.latest import io
from comfy_execution.graph_utils import GraphBuilder


class RefineLatent(io.ComfyNode):
    """Samples a latent again and again, each pass with less noise. Its passes are cached one by one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ExampleRefineLatent",
            display_name="Refine Latent",
            category="example/sampling",
            description="Sample a latent several times, each pass changing less than the one before.",
            inputs=[
                io.Model.Input("model"),
                io.Conditioning.Input("positive"),
                io.Conditioning.Input("negative"),
                io.Latent.Input("latent"),
                io.Int.Input("seed", default=0, min=0, max=0xFFFFFFFFFFFFFFFF, control_after_generate=True),
                io.Int.Input("passes", default=3, min=1, max=20),
                io.Int.Input("steps", default=20, min=1, max=1000, tooltip="Of each pass."),
                io.Float.Input("cfg", default=7.0, min=0.0, max=100.0, step=0.1),
                io.Float.Input("denoise", default=0.5, min=0.01, max=1.0, step=0.01, tooltip="Of the first pass."),
                io.Float.Input("falloff", default=0.6, min=0.1, max=1.0, step=0.05, tooltip="From pass to pass."),
            ],
            outputs=[io.Latent.Output()],
            enable_expand=True,
        )

    @classmethod
    def execute(
        cls,
        model: object,
        positive: object,
        negative: object,
        latent: object,
        seed: int,
        passes: int,
        steps: int,
        cfg: float,
        denoise: float,
        falloff: float,
    ) -> io.NodeOutput:
        graph = GraphBuilder()
        for number in range(passes):
            sampler = graph.node(
                "KSampler",
                model=model,
                positive=positive,
                negative=negative,
                latent_image=latent,
                seed=(seed + number) % 2**64,
                steps=steps,
                cfg=cfg,
                sampler_name="euler",
                scheduler="normal",
                denoise=denoise * falloff**number,
            )
            latent = sampler.out(0)
        return io.NodeOutput(latent, expand=graph.finalize())
