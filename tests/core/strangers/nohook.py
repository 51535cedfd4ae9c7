from rtkit import SampleProcessor


class Mine(SampleProcessor):
    """Doubles."""

    def process(self, block):
        return block


def rtkit_register_processors(register):
    register("mine", Mine)
