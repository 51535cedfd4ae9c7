"""`pca`: principal components, learned sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtkit import Block, InputError, Range, SampleProcessor, SampleSpec, UsageError, check_values, read_arrays, restore, write_arrays
from rtkit_pca.reading import Reading, read
from rtkit_pca.rows import as_rows
from rtkit_pca.rules import RULES, Floats, Rule, RuleName

if TYPE_CHECKING:
    from rtkit.models import TapNetwork

Output: TypeAlias = Literal["scores", "reconstruction", "residual"]

#: Samples of a stream between two readings of the components, which its output is made with.
REFRESH_SAMPLES = 64
#: Fewest samples between two events, unless told otherwise.
MIN_EVENT_INTERVAL_SAMPLES = 1000
# places in the clock: samples until the components are read, the samples between two readings, samples until the next event, and
# the place in the stream of the sample to come
UNTIL_REFRESH, PERIOD, UNTIL_EVENT, POSITION = range(4)


class Pca(SampleProcessor):
    """Online principal component analysis: learns from each sample as it comes, and gives its coordinates along the components.

    A sample is a row of d values: the channels of a stream, the pixels of a picture. As a processor of a stream, `pca` puts out the
    scores ``pc1`` … of each sample, or what they tell and do not tell of it. As a learner of arrays, it takes rows by `partial`,
    without `open`. The memory that it takes does not grow with the rows.

    ====================  ==============================================================================================
    rule                  what it does with a row
    ====================  ==============================================================================================
    ``incremental``       Keeps the singular value decomposition of all rows up, with spare directions beside the
                          components. The most exact by far, and the default.
    ``ccipca``            Candid covariance-free incremental PCA: a vector a component, each a mean of the rows
                          weighted by their projections on it, on what the vectors before it left.
    ``oja``               Oja's subspace rule: W ← W + α y eᵀ with y = W u and e = u - Wᵀ y.
    ``sanger``            Sanger's generalised Hebbian algorithm: Oja's rule with an order.
    ``autoencoder``       Linear autoencoders of one unit, each learning on what those before it left.
    ====================  ==============================================================================================

    All find the mean as they go, and learn from u, the difference of the row from the mean up to then times what makes the sum of u uᵀ
    exactly the covariance about the mean of all rows: a wrong mean at the beginning leaves no trace. All steps are divided by
    variances that the rule has seen, so that the gain of the rows does not matter.

    A row with a value that is not finite, or beyond 10³⁰, is skipped and counted; in a stream its scores are 0.

    Events of kind ``components``: ``explained`` (share of the variance that each component explains), ``orthogonality`` (see there),
    ``seen`` and ``skipped`` rows.

    Parameters
    ----------
    components : int
        Principal components that are learned, k (a number).
    rule : str
        incremental, ccipca, oja, sanger or autoencoder.
    output : str
        What a stream puts out: scores, reconstruction (the sample as the components tell it), or residual (what they do not tell).
    memory : int
        Length of the memory (rows): older ones fade, so that components that change are followed. All, when not given.
    learn : bool
        Learn from the stream.
    event_interval : int
        Interval of events (samples); a second's, and at least 1,000, when not given.

    Raises
    ------
    InputError
        By `partial`, `transform` and `inverse`, if the rows are not numbers, or of another width; by `load_state` and `load`, if the
        state is of another rule or size, or damaged.
    UsageError
        By what needs a width, if there is none yet: nothing was learned, loaded or opened.

    References
    ----------
    E. Oja, "A simplified neuron model as a principal component analyzer", Journal of Mathematical Biology 15 (1982), and "Neural
    networks, principal components, and subspaces", International Journal of Neural Systems 1 (1989). T. D. Sanger, "Optimal
    unsupervised learning in a single-layer linear feedforward neural network", Neural Networks 2 (1989). J. Weng, Y. Zhang, W. Hwang,
    "Candid covariance-free incremental principal component analysis", IEEE Transactions on Pattern Analysis and Machine Intelligence 25
    (2003). A. Levy, M. Lindenbaum, "Sequential Karhunen-Loeve basis extraction and its application to images", IEEE Transactions on
    Image Processing 9 (2000). M. Brand, "Fast low-rank modifications of the thin singular value decomposition", Linear Algebra and its
    Applications 415 (2006). D. A. Ross, J. Lim, R.-S. Lin, M.-H. Yang, "Incremental learning for robust visual tracking", International
    Journal of Computer Vision 77 (2008), for the mean.
    """

    renamed: ClassVar[dict[str, str]] = {"every": "event_interval"}
    live: ClassVar[tuple[str, ...]] = ("learn",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"components": 1, "event_interval": 300},
        {"rule": "ccipca", "output": "reconstruction"},
        {"rule": "oja", "memory": 300, "event_interval": 97},
        {"rule": "sanger"},
        {"rule": "autoencoder", "output": "residual"},
        {"learn": False},
    )
    dtype: ClassVar[type[np.floating[Any]]] = np.float64
    default_rate: ClassVar[float | None] = 1.0

    def __init__(
        self,
        components: Annotated[int, Range(1, 10_000)] = 2,
        rule: RuleName = "incremental",
        output: Output = "scores",
        memory: Annotated[int, Range(2)] | None = None,
        learn: bool = True,
        event_interval: Annotated[int, Range(1)] | None = None,
    ) -> None:
        values = {
            "components": components,
            "rule": rule,
            "output": output,
            "memory": memory,
            "learn": learn,
            "event_interval": event_interval,
        }
        self._parameters = check_values(type(self), values)
        self.rule, self.output = self._parameters["rule"], self._parameters["output"]
        self.memory, self.learn, self.event_interval = (self._parameters[name] for name in ("memory", "learn", "event_interval"))
        self._count: int = self._parameters["components"]
        self._learner: Rule | None = None

    def parameters(self) -> dict[str, Any]:
        """The values of the parameters: `components` is how many, not the components themselves."""
        return self._parameters | {"learn": self.learn}

    # ------------------------------------------------------------------------------------------------ learner of arrays

    def partial(self, rows: ArrayLike) -> Self:
        """Learn from rows ``[n, d]``, or one row ``[d]``, one after another. The first rows decide the width.

        Raises
        ------
        InputError
            They are not numbers, or of another width.
        """
        values = as_rows(rows, "rows", None if self._learner is None else self._width)
        if self._learner is None:
            self.open(_format(values.shape[1]))
        self._learn(values)
        self._stale = True
        return self

    def transform(self, rows: ArrayLike) -> NDArray[np.floating[Any]]:
        """Scores ``[n, k]`` of rows ``[n, d]``, or ``[k]`` of one row: coordinates along the components, from the mean.

        Raises
        ------
        InputError
            They are not numbers, or of another width.
        UsageError
            Nothing was learned yet.
        """
        values = as_rows(rows, "rows", self._width)
        scores = (values - self._rule().mean) @ self._read().components.T.astype(np.float64)
        return _like(rows, values, scores)

    def inverse(self, scores: ArrayLike) -> NDArray[np.floating[Any]]:
        """Rows ``[n, d]`` that have the scores ``[n, k]``, or one ``[d]``: what the components tell of a row.

        Raises
        ------
        InputError
            They are not numbers, or not k.
        UsageError
            Nothing was learned yet.
        """
        told = self._read().components.astype(np.float64)
        values = as_rows(scores, "scores", self._count)
        return _like(scores, values, values @ told + self._rule().mean)

    @property
    def components(self) -> NDArray[np.float32]:
        """The components ``[k, d]``: orthogonal, of length 1, the one with most variance first.

        The largest value of each is positive when it is read first; later on it keeps its sign.

        Those that are not there, because fewer rows or fewer values were seen, are 0. ``[k, 0]`` before the width is known.
        """
        return self._read().components.copy() if self._learner is not None else np.zeros((self._count, 0), np.float32)

    @property
    def mean(self) -> Floats:
        """The mean of the rows ``[d]``; ``[0]`` before the width is known."""
        return self._learner.mean.copy() if self._learner is not None else np.zeros(0)

    @property
    def variances(self) -> Floats:
        """Variance of the rows along each component ``[k]``, as the rule has it, in the rows' unit squared."""
        return self._read().variances.copy()

    @property
    def explained(self) -> Floats:
        """Share of the rows' variance that each component explains ``[k]``, 0 to 1."""
        from rtkit_pca.centring import TOTAL

        total = self._rule().levels[TOTAL]
        return np.minimum(self._read().variances / total, 1.0) if total > 0 else np.zeros(self._count)

    @property
    def orthogonality(self) -> float:
        """Largest cosine between two vectors as the rule has them; `components` are made orthogonal."""
        return self._read().orthogonality

    @property
    def seen(self) -> int:
        """Rows that were learned from."""
        return self._count_of("SEEN")

    @property
    def skipped(self) -> int:
        """Rows that were skipped, as not all of their values were finite."""
        return self._count_of("SKIPPED")

    def _count_of(self, place: str) -> int:
        from rtkit_pca import centring

        return 0 if self._learner is None else int(self._learner.counts[getattr(centring, place)])

    # ------------------------------------------------------------------------------------------------ processor of a stream

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept any number of channels at any rate, and begin anew."""
        super().open(spec)
        self._begin(spec)
        return SampleSpec(spec.rate, self._channels)

    def process(self, block: Block) -> Block:
        """Learn from one block ``[n, d]`` and give scores ``[n, k]``, or ``[n, d]``.

        The output is made with the mean and the components as they were read last, at most `REFRESH_SAMPLES` samples ago.
        """
        data = np.ascontiguousarray(block.data, np.float64)
        if self._stale:
            self._refresh()
        learn = self.learn  # as it is now, for the whole block
        self._clock[POSITION] = block.start
        out = np.empty((len(data), len(self._channels)), block.data.dtype)
        done = 0
        while done < len(data):
            part = slice(done, min(len(data), done + int(self._clock[[UNTIL_REFRESH, UNTIL_EVENT]].min())))
            out[part] = self._output(data[part])
            if learn:
                self._learn(data[part])
            self._clock += (part.stop - done) * np.array([-1, 0, -1, 1])
            done = part.stop
            if self._clock[UNTIL_REFRESH] == 0:
                self._refresh()
                self._clock[PERIOD] = min(2 * self._clock[PERIOD], REFRESH_SAMPLES)
                self._clock[UNTIL_REFRESH] = self._clock[PERIOD]
            if self._clock[UNTIL_EVENT] == 0:
                self._tell()
        return block.with_data(out, self._channels)

    def close(self) -> None:
        """Tell of the samples since the last event."""
        if self._clock[UNTIL_EVENT] < self._period:
            self._tell()

    def summary(self) -> dict[str, Any]:
        """The outcome of what was learned, a state that was put back included.

        ``rows_seen``, ``rows_skipped``; ``explained``, the share of the variance that each component explains, and ``explained_in_all``.
        What is not known is left out. ``warnings``: sentences about what looks wrong.
        """
        if self._learner is None:
            return {}
        from rtkit_pca.centring import TOTAL

        outcome: dict[str, Any] = {"rows_seen": self.seen, "rows_skipped": self.skipped}
        warnings = []
        if not self.seen:
            warnings = ["nothing was learned: no row whose values are all known"] if self.learn else []
        elif not self._learner.levels[TOTAL] > 0:
            warnings = ["nothing was learned: all rows are the same"] if self.seen > 1 else []
        else:
            explained = self.explained
            outcome |= {"explained": [round(float(share), 6) for share in explained], "explained_in_all": round(float(explained.sum()), 6)}
            found = int((explained > 0).sum())
            if found < self._count:
                warnings = [f"only {found} of {self._count} components were found: there is no variance for more"]
        return outcome | ({"warnings": warnings} if warnings else {})

    def _output(self, data: NDArray[Any]) -> Floats:
        from rtkit_pca.centring import MAX_MAGNITUDE

        good = (np.abs(data) <= MAX_MAGNITUDE).all(axis=1)[:, None]
        shown = self._shown.astype(np.float64)
        centred = np.where(good, data - self._shown_mean, 0.0)
        scores = centred @ shown.T
        if self.output == "scores":
            return scores
        told = scores @ shown
        return told + self._shown_mean if self.output == "reconstruction" else centred - told

    def _refresh(self) -> None:
        reading = self._read()
        self._shown[...], self._shown_mean[...] = reading.components, self._rule().mean
        self._stale = False

    def _tell(self) -> None:
        explained, apart = [round(float(share), 6) for share in self.explained], round(self.orthogonality, 6)
        time = int(self._clock[POSITION]) / self.spec.rate
        self.emit(time, "components", explained=explained, orthogonality=apart, seen=self.seen, skipped=self.skipped)
        self._clock[UNTIL_EVENT] = self._period

    # ------------------------------------------------------------------------------------------------ what both are made of

    def _begin(self, spec: SampleSpec) -> None:
        """Forget everything, and allocate for samples of this format."""
        width = len(spec.channels)
        self._channels = spec.channels if self.output != "scores" else tuple(f"pc{number + 1}" for number in range(self._count))
        self._learner = RULES[self.rule](self._count, width)
        self._reading: Reading | None = None
        self._shown = np.zeros((self._count, width), np.float32)
        self._shown_mean = np.zeros(width)
        self._period = self.event_interval or max(MIN_EVENT_INTERVAL_SAMPLES, round(spec.rate))
        self._clock = np.array([1, 1, self._period, 0])
        self._stale = False
        self._learn(np.zeros((0, width)))  # a live stream cannot wait for the kernel to load

    def _rule(self) -> Rule:
        if self._learner is None:
            raise UsageError("pca: nothing was learned yet; partial, load or open come first")
        return self._learner

    @property
    def _width(self) -> int:
        return self._rule().mean.size

    def _learn(self, rows: NDArray[Any]) -> None:
        self._rule().learn(rows, 1 / self.memory if self.memory is not None else 0.0)
        self._reading = None

    def _read(self) -> Reading:
        """The components as they are now; kept until more is learned."""
        rule = self._rule()
        if self._reading is None:
            self._reading = read(*rule.vectors(), self._shown)
            if self._stale:
                self._shown[...] = self._reading.components  # whoever read them may count on their signs from now on
        return self._reading

    # ------------------------------------------------------------------------------------------------ states and models

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of everything learned or remembered."""
        self._rule()
        if self._stale:
            self._refresh()
        return {name: array.copy() for name, array in self._arrays().items()}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        own: dict[str, NDArray[Any]] = {"shown": self._shown, "shown_mean": self._shown_mean, "clock": self._clock}
        return self._rule().arrays() | own

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing, of another shape or kind, or holds what no state holds.
        """
        targets = self._arrays()
        for name, target in targets.items():
            found = state.get(name, target)
            if found.dtype.kind != target.dtype.kind:
                raise InputError(f"state of Pca: {name} should be {target.dtype}, found {found.dtype}")
            if not np.isfinite(found).all():
                raise InputError(f"state of Pca: {name} should be finite")
        before = {name: target.copy() for name, target in targets.items()}
        restore(type(self).__name__, targets, state)
        if not self._possible():
            restore(type(self).__name__, targets, before)
            raise InputError("state of Pca: counts or clock are damaged")
        self._reading, self._stale = None, False

    def _possible(self) -> bool:
        """Whether counts and clock are such as learning leaves them; others would lead the kernels astray."""
        from rtkit_pca.centring import FILLED

        counts, clock, room = self._rule().counts, self._clock, self._rule().room
        limits = np.array([REFRESH_SAMPLES, REFRESH_SAMPLES, self._period, np.iinfo(np.int64).max])
        return bool((counts >= 0).all() and counts[FILLED] <= room and (clock >= [1, 1, 1, 0]).all() and (clock <= limits).all())

    def save(self, path: str | Path) -> None:
        """Write what was learned to an npz file, whole or not at all.

        Raises
        ------
        InputError
            The file cannot be written.
        UsageError
            Nothing was learned yet.
        """
        write_arrays(path, {"rule": np.array(self.rule)} | self.state())

    def load(self, path: str | Path) -> Self:
        """Go on from what `save` wrote, by the same rule with as many components; it decides the width.

        Raises
        ------
        InputError
            There is no such file, it is damaged, or of another rule or size.
        """
        arrays = read_arrays(path, "what a learner of principal components has saved")
        found, mean = str(arrays.pop("rule", "none")), arrays.get("mean", np.zeros(0))
        if found != self.rule or mean.ndim != 1 or mean.size == 0:
            raise InputError(f"{path}: expected what pca learned by the rule {self.rule}, found {found}")
        fresh = type(self)(**self.parameters())
        fresh.open(self.spec if self._learner is not None and self._width == mean.size else _format(mean.size))
        try:
            fresh.load_state(arrays)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        fresh.events = self.events  # whoever drives it holds this list
        vars(self).update(vars(fresh))
        return self

    def network(self) -> TapNetwork:
        """What was learned up to now, as a network that can be written as a model: rows in, scores or reconstruction out.

        Raises
        ------
        UsageError
            The output is the residual, which a network of layers does not give.
        """
        from rtkit_pca.networks import reconstruction_network, scores_network

        if self.output == "residual":
            raise UsageError("pca: the residual cannot be written as a model; choose output=scores or output=reconstruction")
        make = scores_network if self.output == "scores" else reconstruction_network
        return make(self._read().components, self._rule().mean, self.spec.channels, self.spec.rate)

    def inverse_network(self) -> TapNetwork:
        """What turns scores into rows, as a network that can be written as a model."""
        from rtkit_pca.networks import inverse_network

        scores = tuple(f"pc{number + 1}" for number in range(self._count))
        return inverse_network(self._read().components, self._rule().mean, scores, self.spec.rate)

    def save_model(self, folder: str | Path) -> None:
        """Write what was learned as ONNX models with their cards: rows to scores, and in a folder ``inverse`` in it, scores to rows.

        Raises
        ------
        ModuleNotFoundError
            The package onnx is not installed.
        InputError
            The folder cannot be written.
        UsageError
            Nothing was learned yet, or the output is the residual.
        """
        from rtkit.models import write

        write(self.network(), folder)
        write(self.inverse_network(), Path(folder) / "inverse")


def _format(width: int) -> SampleSpec:
    """The format of rows that come as arrays: a row a second, values by number."""
    return SampleSpec(1.0, tuple(str(number + 1) for number in range(width)))


def _like(given: ArrayLike, rows: NDArray[Any], result: Floats) -> NDArray[np.floating[Any]]:
    """A result of rows in their precision, and as one row where one was given."""
    found: NDArray[np.floating[Any]] = result.astype(rows.dtype)
    return found[0] if np.ndim(given) == 1 else found
