"""Descriptions of node types (protocol, section 7; execution, section 2.16)."""

from typing import Any

from tests.server.conformance.asking import status_of
from tests.server.serving import Client, Server, speak

V1 = [
    *("input", "input_order", "output", "output_is_list", "output_name", "name", "display_name", "description"),
    *("python_module", "category", "output_node"),
]
V3 = {*V1, "output_tooltips", "deprecated", "experimental", "api_node"}


def test_every_type_has_what_frontends_insist_on(server: Server) -> None:
    async def scenario(client: Client) -> None:
        types = await client.get("/object_info")
        assert len(types) > 100
        for id, entry in types.items():
            assert set(entry) >= set(V1), id
            assert entry["name"] == id
            assert entry["input_order"] == {section: list(inputs) for section, inputs in entry["input"].items()}
            assert len(entry["output"]) == len(entry["output_is_list"]) == len(entry["output_name"])
            assert isinstance(entry["category"], str)
            for section in ("required", "optional"):
                for spec in entry["input"].get(section, {}).values():
                    assert isinstance(spec[0], (str, list)), id
                    assert len(spec) == 1 or isinstance(spec[1], dict), id

    speak(server, scenario)


def test_a_type_of_the_first_generation(server: Server) -> None:
    async def scenario(client: Client) -> None:
        assert await client.get("/api/object_info/Show") == {
            "Show": {
                "input": {"required": {"value": ["*", {}]}},
                "input_order": {"required": ["value"]},
                "output": [],
                "output_is_list": [],
                "output_name": [],
                "name": "Show",
                "display_name": "Show a value",
                "description": "Shows.",
                "python_module": "custom_nodes.probe",
                "category": "probe",
                "output_node": True,
                "deprecated": True,
            }
        }
        entry = (await client.get("/object_info/Everything"))["Everything"]
        assert list(entry) == V1
        assert list(entry["input"]["required"]) == ["i", "f", "s", "b", "c"]  # the order of the widgets
        assert entry["input"]["required"]["c"] == [["one", "two"], {"default": "one"}]
        assert entry["input"]["optional"]["o"] == ["COMBO", {"options": ["x", "y"]}]
        assert entry["display_name"] == "Everything"
        hidden = (await client.get("/object_info/Hidden"))["Hidden"]["input"]["hidden"]
        assert (hidden["prompt"], hidden["id"]) == ("PROMPT", "UNIQUE_ID")

    speak(server, scenario)


def test_a_type_of_the_third_generation(server: Server) -> None:
    async def scenario(client: Client) -> None:
        entry = (await client.get("/object_info/Halves"))["Halves"]
        assert set(entry) == V3
        value = {"default": 4, "min": 0, "max": 100, "tooltip": "what to halve"}
        assert entry["input"]["required"]["value"][0] == "INT"
        assert value.items() <= entry["input"]["required"]["value"][1].items()
        assert entry["input"]["required"]["how"][0] == "COMBO"
        assert entry["input"]["required"]["how"][1]["options"] == ["down", "up"]
        assert entry["input"]["hidden"]["unique_id"] == ["UNIQUE_ID"]
        assert (entry["output"], entry["output_name"]) == (["INT", "INT"], ["half", "INT"])
        flags = {name: entry[name] for name in ("output_node", "deprecated", "experimental", "api_node")}
        assert flags == {"output_node": True, "deprecated": False, "experimental": True, "api_node": False}
        assert entry["python_module"] == "custom_nodes.second"

    speak(server, scenario)


def test_what_cannot_be_described_is_left_out_and_a_taken_name_stays(server: Server) -> None:
    async def scenario(client: Client) -> None:
        types = await client.get("/object_info")
        assert "Indescribable" not in types
        assert types["EmptyImage"]["python_module"].partition(".")[0] == "nodes"
        assert await client.get("/object_info/Indescribable") == {}
        assert await client.get("/object_info/Nothing") == {}

    speak(server, scenario)


def test_lists_of_files_are_those_of_now(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async def listed() -> Any:
            entry = (await client.get("/object_info/LoadImage"))["LoadImage"]
            return entry["input"]["required"]["image"]

        (server.base / "input" / "just_now.png").write_bytes(b"x")
        choices, options = await listed()
        assert "just_now.png" in choices
        assert options["image_upload"] is True
        (server.base / "input" / "just_now.png").unlink()
        assert "just_now.png" not in (await listed())[0]

    speak(server, scenario)


def test_only_reading(server: Server) -> None:
    async def scenario(client: Client) -> None:
        assert await status_of(client, "HEAD", "/object_info/Show") == 200
        assert await status_of(client, "POST", "/object_info") == 405

    speak(server, scenario)
