"""The shipped pictures of clothes, and as the files that `export` takes."""

import gzip
import zipfile
from pathlib import Path

import cv2
import numpy as np
from rtkit_vae.demo import KINDS, PICTURES

VISION = Path(__file__).parents[3] / "shared" / "data" / "vision"
FILES = sorted(PICTURES.glob("*/*.png"))
#: ``[60, 28, 28]``, light on black, and the class of each.
CLOTHES = np.array([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in FILES])
CLASSES = np.array([KINDS.index(path.parent.name) for path in FILES], np.uint8)


def idx(array):
    """Bytes of an array in IDX format, packed."""
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + np.asarray(array, np.uint8).tobytes(), 1, mtime=0)


def write_data(folder, times=4):
    """The shipped pictures, some times over, as Fashion-MNIST, and a few as an archive of fruits."""
    random = np.random.default_rng(0)
    for name, count in (("train", times), ("t10k", 2)):
        pictures, classes = np.concatenate([CLOTHES] * count), np.concatenate([CLASSES] * count)
        order = random.permutation(len(pictures))
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(idx(pictures[order]))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(idx(classes[order]))
    with zipfile.ZipFile(folder / "fruits360_subset.zip", "w") as archive:
        for number in range(3):
            made, data = cv2.imencode(".jpg", random.integers(0, 256, (100, 100, 3), dtype=np.uint8))
            assert made
            archive.writestr(f"test/Apple/{number}.jpg", data.tobytes())
    return folder
