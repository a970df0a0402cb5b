"""A switch that evaluates only the side it takes. A V1 node with lazy inputs and any type."""


class LazySwitch:
    """Gives one of two values; what feeds the other one does not run."""

    CATEGORY = "example/logic"
    DESCRIPTION = "Take one of two inputs; what feeds the other does not run."
    FUNCTION = "switch"
    RETURN_TYPES = ("*",)
    RETURN_NAMES = ("value",)

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {
            "required": {
                "condition": ("BOOLEAN", {"default": True}),
                "on_true": ("*", {"lazy": True}),
                "on_false": ("*", {"lazy": True}),
            }
        }

    def check_lazy_status(self, condition, on_true=None, on_false=None):
        """The input that is needed. It is asked for once: a value that is there already is not asked for again."""
        return ["on_true" if condition else "on_false"]

    def switch(self, condition, on_true=None, on_false=None):
        return (on_true if condition else on_false,)
