"""Strangers' plug-ins that are broken in every way: each is told in one line, and hurts no other."""

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest
import soundfile

from rtkit import RtkitError, SampleSpec, UsageError
from rtkit.core.host import Host

FILES = Path(__file__).parent / "strangers"
WORKING = {"cmdfile", "echo", "soundfile"}
#: What is told of each, and of a plug-in that works nothing.
TOLD = {
    "badcommand": "plug-in file:badcommand: rtkit_register_commands is called no more: RuntimeError: boom in commands",
    "nohook": "plug-in file:nohook is left out: TypeError: function rtkit_register_processors is not marked as a hook",
    "observer": "plug-in file:observer: rtkit_event is called no more: ValueError: boom in observer",
    "typo": "plug-in file:typo is left out: TypeError: processor 'mine': class Mine has no method process (is 'proces' misspelt?)",
}


@pytest.fixture
def call(tmp_path):
    """A file with near and far end, such that `adaline` emits events."""
    import numpy as np

    far = 0.1 * np.random.default_rng(0).standard_normal(32000)
    soundfile.write(tmp_path / "call.wav", np.stack([0.5 * np.roll(far, 20), far], axis=1), 16000)
    return "call.wav"


@pytest.mark.parametrize("name", sorted(path.stem for path in FILES.glob("*.py")))
def test_each_is_told_in_one_line_and_all_else_works(cli, tmp_path, call, name):
    done = cli("--plugin", FILES / f"{name}.py", "run", call, "adaline:tail_ms=8", "--to", "out.wav", "--events", "e.jsonl", "-q")
    assert done.returncode == 0, done.stderr
    assert soundfile.info(str(tmp_path / "out.wav")).frames == 32000
    assert (tmp_path / "e.jsonl").read_text()
    lines = done.stderr.splitlines()
    assert len(lines) == (0 if name in WORKING else 1), done.stderr
    assert not lines or TOLD[name] in lines[0]


@pytest.mark.parametrize("name", ["echo", "soundfile"])
def test_a_file_may_be_called_like_a_plugin_or_a_library(cli, tmp_path, call, name):
    done = cli("run", call, "mine", "--plugin", FILES / f"{name}.py", "--to", "out.wav", "-q")
    assert done.returncode == 0, done.stderr
    before, after = (soundfile.read(str(tmp_path / each))[0] for each in (call, "out.wav"))
    assert abs(after - 2 * before).max() < 1e-6
    rows = {row["key"]: row for row in json.loads(cli("--plugin", FILES / f"{name}.py", "plugins", "--json").stdout)}
    assert rows[f"file:{name}"]["processors"] == ["mine"]
    assert rows["rtkit:echo"]["error"] is None


def test_a_file_brings_its_commands_to_every_command(cli):
    assert cli("--plugin", FILES / "cmdfile.py", "hello").stdout == "hi\n"
    assert "hello" in cli("--plugin", FILES / "cmdfile.py", "--help").stdout
    assert cli("bench", "mine", f"--plugin={FILES / 'echo.py'}").stdout.count("mine") == 3


def test_who_asks_for_a_broken_one_is_told_why(cli):
    done = cli("run", "synth:noise", "mine", "--plugin", FILES / "typo.py", "-q")
    assert done.returncode == 2
    assert "no processor is called 'mine'" in done.stderr
    assert "class Mine has no method process" in done.stderr.splitlines()[-1]


def host_of(tmp_path, name, code, distribution="stranger"):
    """A host with all that come with rtkit and one more, installed under an entry point."""
    (tmp_path / f"{distribution}_{name}.py").write_text(code)
    (info := tmp_path / f"{distribution}-1.0.dist-info").mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rtkit]\n{name} = {distribution}_{name}\n")
    sys.path.insert(0, str(tmp_path))
    try:
        return Host([*importlib.metadata.entry_points(group="rtkit")])
    finally:
        sys.path.remove(str(tmp_path))


def test_an_entry_point_may_be_called_like_one_of_ours(tmp_path):
    code = (FILES / "echo.py").read_text()
    host = host_of(tmp_path, "echo", code)
    assert host.plugins["stranger:echo"].processors == ["mine"]
    assert host.plugins["stranger:echo"].version == "1.0"
    assert {"adaline", "echo", "slpr"} == set(host.plugins["rtkit:echo"].processors)
    host.create("echo")
    host.create("mine").open(SampleSpec(8000.0))


def test_a_newcomer_that_clashes_is_refused_alone(tmp_path, caplog):
    host = host_of(tmp_path, "own", (FILES / "echo.py").read_text().replace('"mine"', '"echo"'))
    assert "processor 'echo' is already registered by plug-in 'rtkit:echo'" in host.plugins["stranger:own"].error
    assert len(caplog.records) == 1
    assert "\n" not in caplog.text.strip()
    assert type(host.create("echo")).__module__.startswith("rtkit_echo")


CLASHING_SOURCE = """
from rtkit import Source, hookimpl
class Mine(Source):
    def open(self, dtype=None): ...
    def __iter__(self): ...
@hookimpl
def rtkit_register_sources(register):
    register(".xyz", Mine)
    register(".wav", Mine)
"""


def test_a_newcomer_that_clashes_leaves_nothing(tmp_path):
    host = host_of(tmp_path, "wav", CLASHING_SOURCE)
    assert "source '.wav' is already registered" in host.plugins["stranger:wav"].error
    assert ".xyz" not in host.sources


def test_misspelt_hooks_get_the_nearest_name(tmp_path):
    path = tmp_path / "p.py"
    path.write_text("from rtkit import hookimpl\n@hookimpl\ndef rtkit_evnt(stream, event): pass\n")
    assert "no hook is called rtkit_evnt; did you mean rtkit_event?" in Host([]).add_file(path).error


def test_a_live_parameter_that_is_none_is_told_at_once(tmp_path):
    path = tmp_path / "p.py"
    path.write_text((FILES / "echo.py").read_text().replace('"""Doubles."""', '"""Doubles."""\n    live = ("gain",)'))
    assert "live parameter 'gain' is no parameter" in Host([]).add_file(path).error


def test_two_files_of_one_name_are_two_plugins(tmp_path):
    host = Host([])
    for folder, name in (("a", "one"), ("b", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text((FILES / "echo.py").read_text().replace('"mine"', f'"{name}"'))
        host.add_file(tmp_path / folder / "same.py")
    assert list(host.processors) == ["one", "two"]
    assert len(host.plugins) == 2


def test_a_demo_that_fails_is_one_line(tmp_path, monkeypatch):
    from rtkit.cli import plugin_commands

    path = tmp_path / "shaky.py"
    path.write_text("def demo(folder):\n    raise ValueError('no data')\n")
    host = Host([])
    host.add_file(path)
    monkeypatch.setattr(plugin_commands, "host", lambda: host)
    with pytest.raises(RtkitError, match=r"plug-in file:shaky: its demo failed: ValueError: no data"):
        plugin_commands.call_function("shaky", "demo", "out")


def test_a_command_that_is_there_already_is_refused(cli, tmp_path):
    code = (FILES / "cmdfile.py").read_text().replace('"hello"', '"run"')
    (tmp_path / "taker.py").write_text(code)
    done = cli("--plugin", "taker.py", "run", "synth:noise", "--seconds", 0.1, "-q")
    assert done.returncode == 0
    assert "command 'run' is there already" in done.stderr


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("nowhere_to_be_found:Sink", "needs the package nowhere_to_be_found, which is not installed"),
        ("rtkit:Nothing", "does not load: AttributeError"),
        ("rtkit:Block", "must be a class derived from rtkit.Sink"),
    ],
)
def test_a_reference_that_does_not_load_hurts_no_other_of_its_name(tmp_path, caplog, reference, told):
    code = "from rtkit import hookimpl\n@hookimpl\ndef rtkit_register_sinks(register):\n"
    host = host_of(
        tmp_path, reference.partition(":")[2].lower(), code + f"    register('.png', {reference!r})\n    register('.own', {reference!r})\n"
    )
    assert len(host.sinks.named(".png")) == 2  # of pictures, and of a heart
    assert sum(told in record.getMessage() for record in caplog.records) == 1
    with pytest.raises(UsageError, match=told):
        host.sinks.named(".own")
