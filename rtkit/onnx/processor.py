"""Processors that run ONNX models: the parameters and the loading that they share."""

# Annotations are evaluated here: the constructor of a derived dataclass would look up their names in the module of that class.

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rtkit.core.items import Frame, FrameSpec
from rtkit.core.parameters import Range
from rtkit.core.processor import ItemT, ParallelFrameProcessor, Processor, SpecT

if TYPE_CHECKING:
    from rtkit.onnx.model import Model


@dataclass(eq=False, kw_only=True)
class OnnxProcessor(Processor[ItemT, SpecT]):
    """A processor that runs an ONNX model.

    Parameters
    ----------
    threads : int
        CPU threads for one call of the model; 1 is best for small ones.
    providers : str
        Execution providers of ONNX Runtime in order of preference, such as cuda+openvino, the CPU always last; RTKIT_PROVIDERS when not
        given.
    """

    threads: Annotated[int, Range(1, 64)] = 1
    providers: str | None = None

    def load_model(self, name: str | Path) -> "Model":
        """Load a model with the `threads` and `providers` of this processor; errors as of `rtkit.models.load`."""
        from rtkit.onnx.model import load

        return load(name, self.threads, self.providers)


@dataclass(eq=False, kw_only=True)
class OnnxFrameProcessor(OnnxProcessor[Frame, FrameSpec], ParallelFrameProcessor):
    """A processor of frames that runs an ONNX model in `infer`; several threads may do so at once.

    Derive a dataclass with ``eq=False`` from it: `threads` and `providers` are its last parameters, by keyword.
    """
