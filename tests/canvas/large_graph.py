"""A workflow of any size, as its file."""

import math
from typing import Any

Pair = tuple[float, float]
Json = dict[str, Any]


def large_graph(chains: int) -> Json:
    """Chains of a checkpoint, two prompts, a sampler and a decoder, each begun with the picture of the one before."""
    graph = _Graph()
    before = graph.add("EmptyLatentImage", (-360, 0), (270, 110), {}, ["LATENT"], [128, 128, 1])
    columns = max(1, round(math.sqrt(chains / 2)))
    for chain in range(chains):
        x, y = chain % columns * 1500.0, chain // columns * 520.0
        parts = ["MODEL", "CLIP", "VAE"]
        loader = graph.add("CheckpointLoaderSimple", (x, y), (280, 100), {}, parts, ["heddle-scenes.safetensors"])
        wants = {"model": "MODEL", "positive": "CONDITIONING", "negative": "CONDITIONING", "latent_image": "LATENT"}
        settings = [chain, "fixed", 20, 4.0, "euler", "normal", 1.0]
        sampler = graph.add("KSampler", (x + 720, y), (300, 300), wants, ["LATENT"], settings)
        graph.link(loader, 0, sampler, 0)
        for at in range(2):
            place, takes = (x + 340, y + 230 * at), {"clip": "CLIP"}
            text = graph.add("CLIPTextEncode", place, (320, 180), takes, ["CONDITIONING"], [f"scene {chain}"])
            graph.link(loader, 1, text, 0)
            graph.link(text, 0, sampler, 1 + at)
        graph.link(before, 0, sampler, 3)
        decoder = graph.add("VAEDecode", (x + 1080, y), (220, 60), {"samples": "LATENT", "vae": "VAE"}, ["IMAGE"], [])
        graph.link(sampler, 0, decoder, 0)
        graph.link(loader, 2, decoder, 1)
        before = sampler
    return graph.file()


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[Json] = []
        self.links: list[list[Any]] = []

    def add(
        self, type: str, at: Pair, size: Pair, inputs: dict[str, str], outputs: list[str], values: list[Any]
    ) -> int:
        node = {
            "id": len(self.nodes) + 1,
            "type": type,
            "pos": list(at),
            "size": list(size),
            "flags": {},
            "order": len(self.nodes),
            "mode": 0,
            "inputs": [{"name": name, "type": kind, "link": None} for name, kind in inputs.items()],
            "outputs": [{"name": name, "type": name, "links": []} for name in outputs],
            "properties": {"Node name for S&R": type},
            "widgets_values": values,
        }
        self.nodes.append(node)
        return len(self.nodes)

    def link(self, source: int, output: int, target: int, input: int) -> None:
        id = len(self.links) + 1
        begin, end = self.nodes[source - 1]["outputs"][output], self.nodes[target - 1]["inputs"][input]
        self.links.append([id, source, output, target, input, begin["type"]])
        begin["links"].append(id)
        end["link"] = id

    def file(self) -> Json:
        return {
            "version": 0.4,
            "last_node_id": len(self.nodes),
            "last_link_id": len(self.links),
            "nodes": self.nodes,
            "links": self.links,
            "groups": [],
            "config": {},
            "extra": {},
        }
