"""Frames: the whole of `cam` against decoding and the bare network, two threads against one, delays behind a camera, memory."""

import importlib.util
import os
import time

os.environ["OPENCV_FFMPEG_THREADS"] = "1"

import cv2
import numpy as np
from rtkit_cam.network import CamNetwork

from rtkit import Frame, FrameSpec, Stream
from rtkit.core.report import Report
from rtkit.core.sink import Sink
from rtkit.core.source import Options, Source
from rtkit.video import camera
from rtkit.video.capture import open_video
from tests.video.clips import CLIP
from tests.video.test_camera import Driver, Work

FRAMES, TURNS = 120, 9
SECONDS = float(os.environ.get("RTKIT_CAMERA_SECONDS", "60"))
SIZE = Options(size="640x480")


def bare(size):
    """Frames a second of decoding and the network alone."""
    network = CamNetwork("efficientnet_lite0")
    network.open(FrameSpec(640, 480, 30), size)
    forward = network.run(np.zeros((480, 640, 3), np.uint8))
    capture = open_video(str(CLIP))
    begin = time.perf_counter()
    for _ in range(FRAMES):
        assert capture.read()[0]
        forward.run()
    return FRAMES / (time.perf_counter() - begin)


def whole(size, threads=1):
    """Frames a second of a stream: decoding, 640 x 480, network, map, overlay, events."""
    seconds = {}

    class Clock(Sink):
        name = "clock"

        def open(self, spec):
            seconds["begin"] = time.perf_counter()

        def write(self, frame):
            seconds["end"] = time.perf_counter()

    report = Stream(str(CLIP), [f"cam:size={size}"], to=[Clock()], options=SIZE, seconds=FRAMES / 30, threads=threads).run()
    return report.items / (seconds["end"] - seconds["begin"])


def grad_cam():
    """Frames a second of pytorch-grad-cam's GradCAM on MobileNetV2 at 224 x 224, and of `cam` at that size; None without torch."""
    if not importlib.util.find_spec("pytorch_grad_cam"):
        return None
    import torch
    import torchvision
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    torch.set_num_threads(1)
    model = torchvision.models.mobilenet_v2(weights=None).eval()
    method, picture = GradCAM(model=model, target_layers=[model.features[-1]]), torch.rand(1, 3, 224, 224)
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        method(input_tensor=picture, targets=[ClassifierOutputTarget(5)])
        times.append(time.perf_counter() - begin)
    return 1 / np.median(times)


class Endless(Source):
    """Frames without end, made from a few."""

    name = "endless"

    def __init__(self, count):
        self.length = count
        random = np.random.default_rng(0)
        self.images = [random.integers(0, 256, (480, 640, 3), dtype=np.uint8) for _ in range(8)]

    def open(self, dtype=np.float32):
        return FrameSpec(640, 480, 30)

    def __iter__(self):
        for index in range(self.length):
            yield Frame(self.images[index % 8].copy(), index, index / 30)


class Memory(Sink):
    """Notes the memory in use (MiB) every 1,000 frames."""

    name = "memory"

    def open(self, spec):
        self.seen = []

    def write(self, frame):
        if frame.index % 1000 == 999:
            pages = int(open("/proc/self/statm").read().split()[1])  # noqa: SIM115
            self.seen.append(pages * 4096 / 2**20)


def behind_a_camera(work):
    """Frames a second, and frames by which what is shown is behind the camera, of a 30 Hz camera and a processor of so many seconds."""
    driver = camera.open_camera = Driver()
    late = []

    class Late(Sink):
        name = "late"

        def open(self, spec):
            pass

        def write(self, frame):
            from tests.video.clips import number_of

            late.append((driver.frame_now() - number_of(frame.image)) % 4096)

    report: Report = Stream("camera:0", [Work(work)], to=[Late()], seconds=SECONDS).run()
    half = len(late) // 2
    return len(late) / report.wall_s, np.percentile(late, 50), np.percentile(late, 99), np.mean(late[:half]), np.mean(late[half:])


def rows():
    cv2.setNumThreads(1)
    yield "what", "frames/s, median", "ratio, median (least to most)"
    for size in (224, 448):
        turns = [(bare(size), whole(size), whole(size, 2)) for _ in range(TURNS)]
        for name, ratios, rates in (
            (f"decode + network alone, size {size}", None, [turn[0] for turn in turns]),
            ("rtkit run … cam, 640 x 480, time against that", [turn[0] / turn[1] for turn in turns], [turn[1] for turn in turns]),
            ("the same with --threads 2, rate against one", [turn[2] / turn[1] for turn in turns], [turn[2] for turn in turns]),
        ):
            text = f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else 1
            yield name, round(float(np.median(rates)), 1), text
    peer = grad_cam()
    yield "pytorch-grad-cam GradCAM, MobileNetV2 224", "torch is not here" if peer is None else round(float(peer), 1), ""
    for work in (0.036, 0.2):
        rate, middle, most, first, second = behind_a_camera(work)
        yield (
            f"30 Hz camera, {SECONDS:g} s, processor of {1000 * work:g} ms",
            round(rate, 1),
            f"behind: p50 {middle:.0f}, p99 {most:.0f} frames; first half {first:.2f}, second half {second:.2f}",
        )
    memory = Memory()
    Stream(Endless(20_000), ["cam:size=96,smooth=0.3"], to=[memory], threads=2).run()
    yield "memory, MiB, after 1,000, 10,000 and 20,000 frames", "", " ".join(f"{memory.seen[at]:.1f}" for at in (0, 9, 19))
