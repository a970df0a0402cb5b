"""A pack with a node that has one widget of each kind, and answers with pictures, sound and text."""

WIDGETS = """
import os, wave
import folder_paths
from PIL import Image

class Kinds:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "go", True, "test"
    DESCRIPTION = "One widget of each kind."
    INPUT_TYPES = classmethod(lambda cls: {"required": {
        "strength": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 2.0, "step": 0.05, "display": "slider"}),
        "tint": ("COLOR", {"default": "#3a7bd5"}),
        "paper": ("INT", {"default": 0xFFAA00, "min": 0, "max": 0xFFFFFF, "display": "color"}),
        "tags": ("COMBO", {"options": ["red", "green", "blue"], "multiselect": True, "multi_select": True}),
        "seed": ("INT", {"default": 7, "min": 0, "max": 99, "tooltip": "What chance begins with"}),
        "flavour": (["sweet", "sour", "salt"], {"control_after_generate": True}),
        "name": ("STRING", {"default": "", "placeholder": "Call it"}),
        "caption": ("STRING", {"default": ""}),
        "made": ("COMBO", {"remote": {"route": "/internal/files/output"}}),
        "secret": ("INT", {"default": 1, "hidden": True}),
    }})

    def go(self, **inputs):
        folder = folder_paths.get_output_directory()
        with wave.open(os.path.join(folder, "beep.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8000)
            sound.writeframes(bytes(16000))
        frames = [Image.new("RGB", (20, 10), (each * 50, 0, 0)) for each in range(4)]
        frames[0].save(os.path.join(folder, "moves.gif"), save_all=True, append_images=frames[1:], duration=100)
        told = ", ".join(f"{name}={value!r}" for name, value in sorted(inputs.items()))
        place = {"subfolder": "", "type": "output"}
        return {"ui": {
            "text": [told],
            "audio": [{"filename": "beep.wav", **place}],
            "images": [{"filename": "moves.gif", **place}],
            "animated": (True,),
        }}

NODE_CLASS_MAPPINGS = {"Kinds": Kinds}
"""
