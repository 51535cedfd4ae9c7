"""`python -m export MODEL --data DIR`: train a model and write its ONNX files and card."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from export.recipes import MODELS, Entry, load_recipe
from rtkit.core.errors import RtkitError, UsageError

if TYPE_CHECKING:
    from rtkit.models import Card

ROOT = Path(__file__).parent.parent
#: Not trained, so with options of its own.
CAM = Entry("backbones of class activation maps (Lite0, MobileNetV2, ResNet50)", "rtkit_cam")


def main(arguments: list[str]) -> int:
    """Run the command; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if getattr(options, "out", None) is not None and options.out.exists() and not options.out.is_dir():
            raise UsageError(f"--out {options.out}: is a file; expected a folder")
        if options.model is None:
            for name, (does, plugin) in (MODELS | {"cam": CAM}).items():
                print(f"{name:23}{does}; in plugins/{plugin}")
        elif options.model == "convert":
            _convert(options)
        elif options.model == "cam":
            _make_backbone(options)
        elif options.model == "bench":
            _bench(options)
        else:
            _make(options)
    except RtkitError as error:
        print(f"export: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        print(f"export: {error}; training and conversion need more packages: pip install --editable '.[export]'", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one must not break the way out
        print("export: interrupted; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the models; so does the command without arguments")
    commands = parser.add_subparsers(dest="model", metavar="MODEL")
    for name, (does, plugin) in MODELS.items():
        command = commands.add_parser(name, help=does)
        command.add_argument("--data", type=Path, required=True, help="folder that holds the data, perhaps in folders below it")
        command.add_argument("--out", type=Path, default=ROOT / "plugins" / plugin / "models" / name, help="folder to write (%(default)s)")
        command.add_argument("--epochs", type=_count, help="epochs of each training; the model's own number when not given")
        command.add_argument("--seed", type=_seed, default=0, help="of everything random (%(default)s)")
        command.add_argument("--work", type=Path, help="folder for what an interrupted run goes on from (beside the folder to write)")
    command = commands.add_parser("cam", help="write a backbone of class activation maps, from Keras applications or an ONNX file")
    command.add_argument(
        "--backbone", default="efficientnet_lite0", help="efficientnet_lite0, mobilenet_v2, resnet50, or a name of your own"
    )
    command.add_argument("--weights", type=Path, help="an ONNX file, or weights of Keras applications; downloaded when not given")
    command.add_argument("--data", type=Path, help="folder with imagenet_sample, to measure accuracy and to try int8")
    command.add_argument("--out", type=Path, help="folder to write (plugins/rtkit_cam/models/BACKBONE)")
    command = commands.add_parser("convert", help="write any Keras file as a checked ONNX file")
    command.add_argument("file", type=Path, metavar="FILE.keras")
    command.add_argument("--out", type=Path, help="folder to write (beside the file)")
    command = commands.add_parser("bench", help="time a shipped model in Keras beside ONNX Runtime")
    command.add_argument("name", metavar="NAME", help="one of the models of the list")
    command.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**31:
        raise argparse.ArgumentTypeError("from 0 to 2147483647")
    return number


def _make(options: argparse.Namespace) -> None:
    from export.pipeline.release import release
    from export.pipeline.training import ResultCache

    work = options.work or options.out.with_name(options.out.name + ".work")
    recipe = load_recipe(options.model)
    trained = recipe.make(options.data, options.epochs, options.seed, work)
    epochs = "" if options.epochs is None else f" --epochs {options.epochs}"
    command = f"python -m export {options.model} --data DIR{epochs} --seed {options.seed}"
    trained.made_by = {"command": command, "seed": options.seed, "date": date.today().isoformat()} | trained.made_by
    card = release(trained, options.out)
    if hasattr(recipe, "complete"):
        recipe.complete(options.data, options.out)
    ResultCache.clear(work)
    _print_metrics(card)
    print(f"{options.out}: {', '.join(card.files)}, model.json")


def _make_backbone(options: argparse.Namespace) -> None:
    from export.recipes.cam import make

    out = options.out or ROOT / "plugins" / "rtkit_cam" / "models" / options.backbone
    card = make(options.backbone, options.weights, options.data, out)
    _print_metrics(card)
    print(f"{out}: {', '.join(card.files)}, model.json; run it with cam:model={out}")


def _convert(options: argparse.Namespace) -> None:
    from export.pipeline.keras_file import convert_file

    out = options.out or options.file.with_suffix("")
    card = convert_file(options.file, out)
    for row in card.verification:
        print(f"{row.case}: largest difference {row.difference:.1e} of the largest output")
    print(f"{out}: {', '.join(card.files)}, model.json; run it with {' or '.join(f'onnx:model={out / name}' for name in card.files)}")


def _print_metrics(card: Card) -> None:
    for row in card.metrics:
        print(f"{row['metric']} {row['value']} {row['unit']}: {row['split']}")


def _bench(options: argparse.Namespace) -> None:
    from export.bench import bench

    rows = bench(options.name)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['call']:16}{row['us']:12,.1f} us{row['times ONNX Runtime']:10,.1f} times ONNX Runtime")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
