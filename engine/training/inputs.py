"""The inputs that training nodes share, named and bounded once. No torch: nodes are described without it."""

from typing import Annotated, Literal

from engine.node.kinds import Number, Option, Seed, Tip

Steps = Annotated[int, Number(1, 10_000_000), Tip("How many times the weights are changed.")]
Minutes = Annotated[float, Number(0, 100_000, step=1), Tip("End after this time, however far it is; 0: no limit.")]
Batch = Annotated[int, Number(1, 4096), Tip("Pictures in one step.")]
Rate = Annotated[float, Number(1e-7, 1.0, step=1e-5, round=1e-7), Tip("The learning rate after the warm-up.")]
Average = Annotated[
    float, Number(0.0, 0.99999, step=0.001, round=1e-5), Tip("Decay of the moving average of weights; 0: none.")
]
Precision = Annotated[
    Literal["auto", "float32", "bfloat16"], Tip("auto: bfloat16 where the device has instructions for it.")
]
Accumulate = Annotated[int, Number(1, 1024), Option(advanced=True), Tip("Batches that make up one step.")]
WarmUp = Annotated[int, Number(0, 100_000), Option(advanced=True), Tip("Steps in which the rate rises from 0.")]
ClipNorm = Annotated[float, Number(0, 1000, step=0.1), Option(advanced=True), Tip("Largest gradient norm; 0: any.")]
PreviewEvery = Annotated[int, Number(0, 100_000), Option(advanced=True), Tip("Steps between pictures; 0: none.")]
SaveMinutes = Annotated[float, Number(0, 10_000, step=1), Option(advanced=True)]
Compile = Annotated[
    bool,
    Option(advanced=True),
    Tip("Compile the network: about a minute at the start, then up to three times faster. Needs a C++ compiler."),
]
Resume = Annotated[
    str, Tip("Name of a file below output/training that the run is saved in and resumed from; empty: none.")
]
SeedInput = Annotated[int, Seed()]


def whole_numbers(name: str, text: str) -> tuple[int, ...]:
    """What an input of this name says in numbers with commas. Raises ValueError for any other text."""
    try:
        return tuple(int(each) for each in text.split(","))
    except ValueError:
        msg = f"{name} is {text!r}; it should be whole numbers with commas between them, such as 64, 128"
        raise ValueError(msg) from None
