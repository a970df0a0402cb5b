"""The command line as it is used: real processes, a tiny checkpoint, and what they print and leave behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.tiny.checkpoints import make_tiny_checkpoint

ROOT = Path(__file__).parent.parent.parent
WORKFLOW = ROOT / "workflows" / "text_to_image.json"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_tiny_checkpoint(folder / "models" / "checkpoints" / "heddle-scenes.safetensors")
    return folder


def heddle(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", *map(str, arguments), "--base-directory", str(home)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def opened(path: Path) -> tuple[Image.Image, dict[str, str]]:
    with PngImageFile(path) as image:
        return image.convert("RGB"), dict(image.text)


def written(prompt: object, path: Path) -> Path:
    path.write_text(json.dumps(prompt))
    return path


def test_run_ends_with_a_picture_that_can_be_run_again(home: Path) -> None:
    first = heddle("run", WORKFLOW, "--set", "5.steps=2", "--set", "Prompt.text=a (red:1.2) boat", home=home)
    assert first.returncode == 0, first.stderr
    picture = Path(first.stdout.splitlines()[-1])
    assert picture.parent == home / "output"
    image, texts = opened(picture)
    assert image.size == (128, 128)
    assert json.loads(texts["prompt"])["5"]["inputs"]["steps"] == 2

    again = heddle("run", picture, "--json", home=home)
    assert again.returncode == 0, again.stderr
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert [events[0]["type"], events[-1]["type"]] == ["run_started", "run_finished"]
    assert sum(event["type"] == "progress" and event["node"]["id"] == "5" for event in events) >= 2
    (saved,) = [event["output"]["images"][0] for event in events if event["type"] == "executed"]
    assert opened(home / "output" / saved["filename"])[0].tobytes() == image.tobytes()


def test_an_invalid_workflow_ends_with_2_and_says_what_would_be_right(home: Path) -> None:
    ran = heddle("run", WORKFLOW, "--set", "1.ckpt_name=heddle-scense.safetensors", "--set", "5.steps=0", home=home)
    assert ran.returncode == 2
    assert "node 1 (CheckpointLoaderSimple, 'Load Checkpoint')" in ran.stderr
    assert "close: 'heddle-scenes.safetensors'" in ran.stderr
    assert "Value 0 smaller than min of 1" in ran.stderr


def test_a_failing_node_ends_with_1_and_names_itself(home: Path) -> None:
    broken = home / "models" / "checkpoints" / "broken.safetensors"
    broken.write_bytes((home / "models/checkpoints/heddle-scenes.safetensors").read_bytes()[:5000])
    ran = heddle("run", WORKFLOW, "--set", "1.ckpt_name=broken.safetensors", home=home)
    broken.unlink()
    assert ran.returncode == 1
    assert "node 1 (CheckpointLoaderSimple) failed" in ran.stdout
    assert "broken.safetensors" in ran.stdout


def test_ctrl_c_cancels_at_the_next_step(home: Path) -> None:
    arguments = ["run", str(WORKFLOW), "--json", "--set", "5.steps=10000", "--base-directory", str(home)]
    with subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "progress" and event["value"] >= 1:
                process.send_signal(signal.SIGINT)
                break
        rest = [json.loads(line) for line in process.stdout]
    assert rest[-1]["type"] == "run_interrupted"
    assert rest[-1]["node_id"] == "5"
    assert process.returncode == 130


def test_what_a_long_step_reports_is_shown_while_it_runs(home: Path, tmp_path: Path) -> None:
    pack = tmp_path / "packs" / "slow.py"
    pack.parent.mkdir()
    pack.write_text(
        "import sys\n"
        "from comfy.utils import ProgressBar\n"
        "class Slow:\n"
        "    OUTPUT_NODE, FUNCTION, RETURN_TYPES = True, 'run', ()\n"
        "    @classmethod\n"
        "    def INPUT_TYPES(cls):\n"
        "        return {}\n"
        "    def run(self):\n"
        "        ProgressBar(2).update(1)\n"
        "        print('the step goes on', flush=True)\n"
        "        return ()\n"
        "NODE_CLASS_MAPPINGS = {'Slow': Slow}\n"
    )
    path = written({"1": {"class_type": "Slow", "inputs": {}}}, tmp_path / "slow.json")
    ran = heddle("run", path, "--json", "--custom-nodes", pack.parent, home=home)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    (reported,) = [at for at, line in enumerate(lines) if '"type": "progress"' in line]
    assert reported < lines.index("the step goes on")


def test_only_the_target_is_run(home: Path, tmp_path: Path) -> None:
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "wanted"}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "unwanted"}},
    }
    path = written(prompt, tmp_path / "two.json")
    ran = heddle("run", path, "--target", "2", home=home)
    assert ran.returncode == 0, ran.stderr
    assert [Path(line).name for line in ran.stdout.splitlines() if line.endswith(".png")] == ["wanted_00001_.png"]
    assert heddle("run", path, "--target", "1", home=home).returncode == 2


def test_validate_loads_no_torch(home: Path) -> None:
    code = (
        "import sys\nfrom engine.__main__ import main\n"
        f"try:\n    main(['validate', {str(WORKFLOW)!r}, '--base-directory', {str(home)!r}])\n"
        "except SystemExit as end:\n    print(end.code, 'torch._C' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["valid: 7 nodes, 1 output", "0 False"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe\x00{", "UTF-8"),
        (b'{"1": ', "line 1"),
        (b"{}", "empty object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"1": {"class_type": "Nowhere", "inputs": {}}}', "Nowhere"),
    ],
    ids=["not UTF-8", "not JSON", "empty", "deep", "unknown class"],
)
def test_bad_files_are_told_in_a_line(home: Path, tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    ran = heddle("validate", path, home=home)
    assert ran.returncode == 2
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_file_of_100_megabytes_is_refused_unread(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    ran = heddle("validate", path, home=home)
    assert ran.returncode == 2
    assert "limit" in ran.stderr


def test_convert_writes_a_prompt_that_is_valid(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "prompt.json"
    assert heddle("convert", WORKFLOW, "-o", target, home=home).returncode == 0
    assert json.loads(target.read_text())["5"]["class_type"] == "KSampler"
    assert heddle("validate", target, "--json", home=home).stdout == '{"type": "valid"}\n'


def test_nodes_lists_all_and_shows_one(home: Path) -> None:
    assert "  KSamplerAdvanced  KSampler (Advanced)" in heddle("nodes", home=home).stdout
    shown = heddle("nodes", "EmptyLatentImage", home=home).stdout
    assert "in   width: INT  [default 512, min 16, max 16384, step 8]" in shown
    assert "out 0  LATENT: LATENT" in shown
    wrong = heddle("nodes", "KSampelr", home=home)
    assert wrong.returncode == 2
    assert "KSampler" in wrong.stderr
