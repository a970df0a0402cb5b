"""An example pack: both generations of node classes, and the shapes that most packs are made of."""

# Packs are imported by path, under a name that nobody can write: relative imports are the only ones that work here.
from .grade import ColourGrade  # noqa: TID252
from .lines import JoinLines, SplitLines  # noqa: TID252
from .refine import RefineLatent  # noqa: TID252
from .switch import LazySwitch  # noqa: TID252

NODE_CLASS_MAPPINGS = {
    "ExampleColourGrade": ColourGrade,
    "ExampleLazySwitch": LazySwitch,
    "ExampleSplitLines": SplitLines,
    "ExampleJoinLines": JoinLines,
    "ExampleRefineLatent": RefineLatent,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "ExampleLazySwitch": "Switch (evaluates one side)",
    "ExampleSplitLines": "Split Lines",
    "ExampleJoinLines": "Join Lines",
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
