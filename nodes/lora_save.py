"""A node that turns the difference of two models into a LoRA file."""

from functools import partial
from typing import Annotated, Any, Literal

from engine.api import Clip, Hidden, Model, Number, Text, deferred, node
from engine.weights import folders

with deferred():
    from engine.diffusion import extract
    from engine.diffusion.families import save
    from engine.pictures import files as picture_files

LoraType = Literal["standard", "full_diff"]


@node(
    "_for_testing", id="LoraSave", title="Extract and Save Lora", is_output=True, experimental=True, spells_combo=True
)
def lora_save(
    filename_prefix: Annotated[str, Text(multiline=False)] = "loras/ComfyUI_extracted_lora",
    rank: Annotated[int, Number(1, 4096, step=1)] = 8,
    *,
    lora_type: LoraType,
    bias_diff: bool = True,
    model_diff: Model | None = None,
    text_encoder_diff: Clip | None = None,
    prompt: Annotated[dict[str, Any] | None, Hidden("PROMPT")] = None,
    extra_pnginfo: Annotated[dict[str, Any] | None, Hidden("EXTRA_PNGINFO")] = None,
) -> None:
    """Save the difference of two models (ModelMergeSubtract, CLIPMergeSubtract) as a LoRA of this rank, or whole."""
    tensors = extract.extract_lora(model_diff, text_encoder_diff, rank, lora_type, with_biases=bias_diff)
    texts = picture_files.metadata(prompt, extra_pnginfo)
    folders.current().save_target(filename_prefix).write(
        "safetensors", partial(save.write, tensors=tensors, texts=texts)
    )
