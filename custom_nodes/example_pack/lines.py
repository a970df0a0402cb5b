"""Text to a list and back. V1 nodes: one gives a list, so that what follows runs once per line; one takes a list."""


class SplitLines:
    """The lines of a text, one by one."""

    CATEGORY = "example/text"
    DESCRIPTION = "Run what follows once for each line."
    FUNCTION = "split"
    RETURN_TYPES = ("STRING", "INT")
    RETURN_NAMES = ("line", "count")
    OUTPUT_IS_LIST = (True, False)

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {
            "required": {
                "text": ("STRING", {"multiline": True, "default": ""}),
                "skip_empty": ("BOOLEAN", {"default": True}),
            }
        }

    @classmethod
    def VALIDATE_INPUTS(cls, text):  # noqa: N802
        """A linked text arrives as None here; its lines are only known when the node runs."""
        return True if text is None or text.strip() else "the text has no line in it"

    def split(self, text, skip_empty):
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line] if skip_empty else lines
        return (lines, len(lines))


class JoinLines:
    """All elements of a list as one text."""

    CATEGORY = "example/text"
    DESCRIPTION = "Gather the texts of a list into one, and show it."
    FUNCTION = "join"
    RETURN_TYPES = ("STRING",)
    INPUT_IS_LIST = True
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {"required": {"lines": ("STRING", {"forceInput": True}), "separator": ("STRING", {"default": "\n"})}}

    def join(self, lines, separator):
        # With INPUT_IS_LIST everything comes as a list, single values with one element.
        text = separator[0].join(lines)
        return {"ui": {"text": [text]}, "result": (text,)}
