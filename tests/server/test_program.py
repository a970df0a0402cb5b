"""A program for servers of the ecosystem that nobody here wrote: `comfy-api-simplified`."""

import io
from pathlib import Path

import pytest
from comfy_api_simplified import ComfyApiError, ComfyApiWrapper, ComfyWorkflowWrapper
from PIL import Image

from tests.server.serving import Server

TEXT_TO_IMAGE = Path(__file__).parents[2] / "workflows" / "text_to_image.json"


@pytest.fixture
def workflow() -> ComfyWorkflowWrapper:
    """Text to image, in enough steps for previews; the program calls nodes by their titles."""
    read = ComfyWorkflowWrapper(TEXT_TO_IMAGE)
    for node in read.values():
        node.setdefault("_meta", {"title": node["class_type"]})
    read.set_node_param("KSampler", "steps", 60)
    return read


def test_a_program_submits_waits_and_fetches_the_picture(server: Server, workflow: ComfyWorkflowWrapper) -> None:
    workflow.set_node_param("SaveImage", "filename_prefix", "by_a_program")
    made = ComfyApiWrapper(server.address).queue_and_wait_images(workflow, "SaveImage")
    assert [Path(name).stem[: len("by_a_program")] for name in made] == ["by_a_program"]
    assert [Image.open(io.BytesIO(each)).size for each in made.values()] == [(128, 128)]


def test_a_program_uploads_a_picture_and_works_on_it(server: Server, tmp_path: Path) -> None:
    Image.new("RGB", (24, 16), (0, 255, 0)).save(tmp_path / "green.png")
    program = ComfyApiWrapper(server.address)
    told = program.upload_image(str(tmp_path / "green.png"))
    loads = {"class_type": "LoadImage", "inputs": {"image": f"{told['subfolder']}/{told['name']}".lstrip("/")}}
    turns = {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}
    saves = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "inverted"}}
    nodes = {"1": loads, "2": turns, "3": saves}
    workflow = ComfyWorkflowWrapper({id: {**each, "_meta": {"title": id}} for id, each in nodes.items()})
    (picture,) = program.queue_and_wait_images(workflow, "3").values()
    assert Image.open(io.BytesIO(picture)).convert("RGB").getpixel((0, 0)) == (255, 0, 255)


def test_a_program_is_told_that_a_prompt_is_refused(server: Server, workflow: ComfyWorkflowWrapper) -> None:
    workflow.set_node_param("KSampler", "sampler_name", "no such sampler")
    with pytest.raises(ComfyApiError, match="400"):
        ComfyApiWrapper(server.address).queue_prompt(workflow)
