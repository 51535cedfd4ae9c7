"""A user's own gain, in a file that happens to be called soundfile.py."""

from dataclasses import dataclass

from rtkit import SampleProcessor, hookimpl


@dataclass(eq=False)
class Mine(SampleProcessor):
    """Doubles."""

    def process(self, block):
        return block.with_data(block.data * 2)


@hookimpl
def rtkit_register_processors(register):
    register("mine", Mine)
