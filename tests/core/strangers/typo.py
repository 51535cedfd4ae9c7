from dataclasses import dataclass

from rtkit import SampleProcessor, hookimpl


@dataclass(eq=False)
class Mine(SampleProcessor):
    """Doubles."""

    def proces(self, block):
        return block


@hookimpl
def rtkit_register_processors(register):
    register("mine", Mine)
