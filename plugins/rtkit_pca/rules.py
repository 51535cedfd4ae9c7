"""The rules by which principal components are learned: what each keeps, its kernel, and how its components are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rtkit_pca.centring import Statistics

RuleName: TypeAlias = Literal["incremental", "ccipca", "oja", "sanger", "autoencoder"]
Floats: TypeAlias = NDArray[np.float64]

#: Directions that `incremental` keeps beside the components: at least so many, and as many as there are components. What it
#: forgets is what lies beyond them, so that the weakest component is found the better the more there are.
SPARE = 24


class Rule:
    """A rule for some components of rows of some width; a subclass has the arrays that it learns into, and reads them.

    Parameters
    ----------
    components, width : int
        k and d.
    """

    def __init__(self, components: int, width: int) -> None:
        from rtkit_pca import centring

        self.mean = np.zeros(width)
        self.counts = np.zeros(centring.COUNTS, np.int64)
        self.levels = np.zeros(centring.LEVELS)
        self.room = components

    def statistics(self, floor: float) -> Statistics:
        """What the kernels share of it, where no row weighs less than `floor`."""
        from rtkit_pca.centring import Statistics

        return Statistics(self.mean, self.counts, self.levels, floor)

    def own(self) -> dict[str, NDArray[Any]]:
        """What only this rule keeps, as views, in the order in which its kernel takes them."""
        raise NotImplementedError

    def learn(self, rows: NDArray[Any], floor: float) -> None:
        """Learn from rows ``[n, d]``, one after another; no row weighs less than `floor`."""
        raise NotImplementedError

    def vectors(self) -> tuple[Floats, Floats]:
        """The vectors ``[m, d]`` of length 1 that were learned, and the variances along them ``[m]``, in any order."""
        raise NotImplementedError

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that is kept, as views."""
        return {"mean": self.mean, "counts": self.counts, "levels": self.levels} | self.own()

    @property
    def filled(self) -> int:
        """How many vectors there are up to now."""
        from rtkit_pca.centring import FILLED

        return int(self.counts[FILLED])


class Incremental(Rule):
    """The singular value decomposition of the rows, kept up row by row."""

    def __init__(self, components: int, width: int) -> None:
        super().__init__(components, width)
        self.components = components
        self.kept = min(width, components + max(components, SPARE))
        self.room = min(width, 2 * self.kept)
        self.basis = np.zeros((self.room, width), np.float32)
        self.moments = np.zeros((self.room, self.room))
        self.turns = np.zeros(1, np.int64)

    def own(self) -> dict[str, NDArray[Any]]:
        """Orthonormal directions, the covariance in their coordinates, and how often they were turned."""
        return {"basis": self.basis, "moments": self.moments, "turns": self.turns}

    def learn(self, rows: NDArray[Any], floor: float) -> None:
        """Run the kernel."""
        from rtkit_pca.incremental import learn

        learn(rows, self.statistics(floor), self.basis, self.moments, self.turns, self.kept)

    def vectors(self) -> tuple[Floats, Floats]:
        """The principal axes of the covariance that is kept."""
        filled = self.filled
        variances, axes = np.linalg.eigh(self.moments[:filled, :filled])
        best = slice(max(0, filled - self.components), None)
        return axes[:, best].T @ self.basis[:filled], variances[best]


class OneVectorEach(Rule):
    """A rule that keeps a vector a component, and the variance along it."""

    def __init__(self, components: int, width: int) -> None:
        super().__init__(components, width)
        self.weights = np.zeros((components, width), np.float32)
        self.variances = np.zeros(components)

    def own(self) -> dict[str, NDArray[Any]]:
        """Vectors and variances."""
        return {"weights": self.weights, "variances": self.variances}

    def vectors(self) -> tuple[Floats, Floats]:
        """The vectors, made as long as 1, and the variances of the projections on them."""
        weights = self.weights[: self.filled].astype(np.float64)
        squares = (weights**2).sum(axis=1)
        return weights / np.sqrt(squares)[:, None], self.variances[: self.filled] / squares


class Ccipca(OneVectorEach):
    """Candid covariance-free incremental principal component analysis."""

    def learn(self, rows: NDArray[Any], floor: float) -> None:
        """Run the kernel."""
        from rtkit_pca.ccipca import learn

        learn(rows, self.statistics(floor), self.weights, self.variances)


class Autoencoder(OneVectorEach):
    """Linear autoencoders of one unit, one after another; the vectors are the decoders."""

    def __init__(self, components: int, width: int) -> None:
        super().__init__(components, width)
        self.encoders = np.zeros((components, width), np.float32)

    def own(self) -> dict[str, NDArray[Any]]:
        """Decoders, variances of the codes, and encoders."""
        return super().own() | {"encoders": self.encoders}

    def learn(self, rows: NDArray[Any], floor: float) -> None:
        """Run the kernel."""
        from rtkit_pca.autoencoder import learn

        learn(rows, self.statistics(floor), self.weights, self.variances, self.encoders)


class Hebbian(OneVectorEach):
    """A rule whose steps follow the covariance of its outputs."""

    def __init__(self, components: int, width: int) -> None:
        super().__init__(components, width)
        self.moments = np.zeros((components, components))

    def own(self) -> dict[str, NDArray[Any]]:
        """Weights, variances, and the covariance of the outputs."""
        return super().own() | {"moments": self.moments}


class Sanger(Hebbian):
    """Sanger's generalised Hebbian algorithm."""

    def learn(self, rows: NDArray[Any], floor: float) -> None:
        """Run the kernel."""
        from rtkit_pca.sanger import learn

        learn(rows, self.statistics(floor), self.weights, self.variances, self.moments)


class Oja(Hebbian):
    """Oja's subspace rule."""

    def learn(self, rows: NDArray[Any], floor: float) -> None:
        """Run the kernel."""
        from rtkit_pca.oja import learn

        learn(rows, self.statistics(floor), self.weights, self.variances, self.moments)

    def vectors(self) -> tuple[Floats, Floats]:
        """The principal axes within the subspace, which the rule itself leaves in any rotation, from the covariance of the outputs."""
        filled = self.filled
        left, sizes, right = np.linalg.svd(self.weights[:filled].astype(np.float64), full_matrices=False)
        turned = left / np.maximum(sizes, 1e-9)
        variances, axes = np.linalg.eigh(turned.T @ self.moments[:filled, :filled] @ turned)
        return axes.T @ right, variances


#: By name.
RULES: dict[RuleName, type[Rule]] = {"incremental": Incremental, "ccipca": Ccipca, "oja": Oja, "sanger": Sanger, "autoencoder": Autoencoder}
