"""Paints the gallery: `python docs/gallery.py [NAME …]` runs the examples and writes their pictures and page."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from PIL import Image  # noqa: E402 - the clone is used as it lies there

from engine.app import start  # noqa: E402
from engine.run.events import Executed, RunFinished  # noqa: E402
from engine.settings import Settings  # noqa: E402

WORKFLOWS = DOCS.parent / "workflows"
PICTURES = DOCS / "pictures" / "gallery"
LINES = {
    "text_to_image": "A prompt becomes a picture.",
    "few_step": "The same in four steps, with the few-step model and the `lcm` sampler.",
    "image_to_image": "A picture, left, is painted anew by another prompt, right.",
    "inpaint": "A masked part, where the house stands, is painted anew; the rest stays.",
    "crop_and_stitch": "A part of a large picture, cut out and painted anew at the size of the model, and laid back.",
    "gradual": "From day to night: a mask that rises from left to right says how early each part begins to change.",
    "outpaint": "A picture grows to both sides.",
    "controlnet": "A line drawing, left, says where things are; the prompt says what they look like.",
    "hints": "The edges of a picture, left, found by Canny, keep a new one, right, to its shapes.",
    "lora": "A LoRA turns scenes, left, into pen and ink, right.",
    "areas": "Two prompts, each for its half of a picture twice as wide as any that the model has seen.",
    "hires_fix": "A first pass, an upscale model, and a second pass that draws details at twice the size.",
    "upscale": "Twice the size: bicubic, left, and by the upscale model, right.",
    "model_patches": (
        "One prompt and seed; above: the model as it is, FreeU, perturbed-attention and self-attention guidance; below:"
        " Perp-Neg away from houses and trees, merged tokens, steps spared by EasyCache, and blocks by DeepCache."
    ),
    "large_picture": (
        "Twice the size that the model was trained for: as it is, with attention in tiles, and laid out small by deep"
        " shrink."
    ),
    "tiled_diffusion": (
        "In overlapping tiles of the size that the model knows: a second pass at twice the size, left, and a wide"
        " picture, right below; above it the same as a whole."
    ),
    "merging": (
        "The model, half of it and half of its ink LoRA, the LoRA in the encoder alone, and the difference of the two"
        " added again, which is kept as a LoRA file too."
    ),
    "custom_sampling": "Sampling from its parts: noise, guider, sampler and steps are nodes.",
    "classifier_guidance": "No prompt at all: a classifier of noisy latents leads to dawn, noon, dusk and night.",
    "schedules": "Noise schedules: β, ᾱ, SNR and log-SNR.",
    "forward_process": "The forward process in closed form, step by step, and how far the two agree.",
    "x0_strip": "What the model takes for the picture, x̂₀, along a sampling run.",
    "ddpm_and_ddim": "x̂₀ along three runs: DDIM with η 0, DDIM with η 1, and DDPM.",
    "dataset": "The drawn scenes that the bundled model learnt from.",
}


def prompts_of(path: Path) -> list[str]:
    """The texts that a workflow encodes, but the empty ones."""
    nodes: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    texts = [node["inputs"]["text"] for node in nodes.values() if node["class_type"] == "CLIPTextEncode"]
    return [text for text in dict.fromkeys(texts) if text]


def page() -> str:
    """The page of the gallery, from the workflows as they are."""
    parts = [
        "# Gallery",
        "",
        "Every example in `workflows/`, as it comes out with the bundled models: `heddle run workflows/NAME.json`. The",
        "pictures are real outputs, made by `python docs/gallery.py`.",
    ]
    for name, line in LINES.items():
        path = WORKFLOWS / f"{name}.json"
        prompts = "".join(f"\n> {text}\n" for text in prompts_of(path))
        parts += ["", f"## `{name}.json`", "", line, *([prompts.rstrip()] if prompts else []), ""]
        parts += [f"![{name}](pictures/gallery/{name}.webp)"]
    return "\n".join(parts) + "\n"


def paint(name: str, folder: Path) -> None:
    """Run a workflow and keep its pictures, side by side if they are several."""
    app = start(Settings(base=folder))
    asked = app.read(WORKFLOWS / f"{name}.json")
    verdict = app.check(asked.graph)
    if verdict.node_errors:
        raise SystemExit(f"{name}: {verdict.node_errors}")
    happened = list(app.run(verdict, asked.extra_data))
    if not isinstance(happened[-1], RunFinished):
        raise SystemExit(f"{name}: {happened[-1]}")
    shown = [event.output["images"] for event in happened if isinstance(event, Executed) and event.output]
    pictures = [Image.open(app.folders.output / each["filename"]).convert("RGB") for images in shown for each in images]
    sheet = Image.new("RGB", (sum(each.width for each in pictures), max(each.height for each in pictures)), "white")
    left = 0
    for each in pictures:
        sheet.paste(each, (left, 0))
        left += each.width
    PICTURES.mkdir(parents=True, exist_ok=True)
    sheet.save(PICTURES / f"{name}.webp", quality=90)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for wanted in sys.argv[1:] or LINES:
            paint(wanted, Path(scratch))
    (DOCS / "gallery.md").write_text(page(), "utf-8")
