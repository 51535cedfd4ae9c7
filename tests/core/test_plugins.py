"""The plug-in host: strangers' plug-ins, single files, broken ones, selection."""

import importlib.metadata
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rtkit import UsageError
from rtkit.core.host import Host

DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"


def example() -> dict[str, str]:
    """The files that the documentation shows, by name: a block of code after a line with the name in backquotes."""
    return dict(re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```", DOCS.read_text(), re.M | re.S))


def test_a_single_file_works(cli, tmp_path):
    (tmp_path / "my_filter.py").write_text(example()["my_filter.py"])
    done = cli("run", "synth:noise", "smooth:ms=5", "--plugin", "my_filter.py", "--seconds", 1, "--to", "out.wav")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.wav").stat().st_size > 60_000


def test_a_strangers_distribution_shows_and_runs(tmp_path):
    """The plug-in of the docs, installed from its own pyproject.toml."""
    home, site = tmp_path / "project", tmp_path / "site"
    for name in ("pyproject.toml", "my_filter.py"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(example()[name])
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(site), str(home)]
    subprocess.run(command, check=True, timeout=300)
    environment = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def rtkit(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "rtkit", *arguments], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120
        )

    found = {row["name"]: row for row in json.loads(rtkit("plugins", "--json").stdout)}
    assert found["my_filter"]["processors"] == ["smooth"]
    assert found["my_filter"]["error"] is None
    assert "time constant" in rtkit("plugins", "smooth").stdout.lower()
    done = rtkit("run", "synth:noise", "smooth:ms=5", "--seconds", "1", "--to", "out.wav")
    assert done.returncode == 0, done.stderr


def test_the_documented_plugin_obeys_the_laws(tmp_path):
    from rtkit.testing import check_processor

    (tmp_path / "my_filter.py").write_text(example()["my_filter.py"])
    host = Host(entry_points=[])
    host.add_file(tmp_path / "my_filter.py")
    check_processor(host.processors["smooth"])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nowhere_to_be_found", "No module named"),
        ("raise SystemExit(3)", "SystemExit"),
        ("from rtkit import hookimpl\n@hookimpl\ndef rtkit_register_procesors(register): pass", "no hook is called"),
        ("from rtkit import hookimpl\n@hookimpl\ndef rtkit_register_processors(register): register('x', int)", "must be a class derived"),
        ("x = (", "was never closed"),
    ],
)
def test_broken_plugins_are_named_with_their_reason_and_leave_nothing(tmp_path, code, reason):
    path = tmp_path / "broken.py"
    path.write_text(code)
    host = Host(entry_points=[])
    info = host.add_file(path)
    assert reason in info.error
    assert not list(host.processors)
    assert not host.manager.has_plugin(info.key)


def test_a_name_is_registered_once(tmp_path):
    host = Host(entry_points=[])
    code = textwrap.dedent(
        """
        from rtkit import SampleProcessor, hookimpl
        class Same(SampleProcessor):
            def process(self, block): return block
        @hookimpl
        def rtkit_register_processors(register): register("same", Same)
        """
    )
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(code)
    host.add_file(tmp_path / "one.py")
    assert "already registered by plug-in 'file:one'" in host.add_file(tmp_path / "two.py").error
    assert list(host.processors) == ["same"]
    assert host.processors.plugin("same") == "file:one"


def test_selection_keeps_what_comes_with_rtkit():
    points = importlib.metadata.EntryPoints([importlib.metadata.EntryPoint("stranger", "rtkit.signals.plugin", "rtkit")])

    def names(host):
        return {info.name for info in host.plugins.values()}

    assert "stranger" not in names(Host(entry_points=points, selected=""))
    assert "stranger" in names(Host(entry_points=points, selected="stranger"))
    assert "stranger" in names(Host(entry_points=points))
    own = Host(selected="")
    assert {"rtkit:signals", "rtkit:audio", "rtkit:echo"} <= set(own.plugins)
    assert not [info for info in own.plugins.values() if info.error]


def test_an_unknown_processor_is_answered_with_a_near_name():
    with pytest.raises(UsageError, match="did you mean 'adaline'"):
        Host(selected="").create("adalin")


def test_nothing_heavy_is_imported_for_the_help():
    code = textwrap.dedent(
        """
        import sys
        from rtkit.cli.app import main
        sys.argv = ["rtkit", "--help"]
        try: main()
        except SystemExit: print(sorted(sys.modules))
        """
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("numba", "scipy", "cv2", "onnxruntime", "soundfile", "sounddevice", "soxr", "matplotlib", "tensorflow", "rich", "numpy"):
        assert f"'{heavy}'" not in loaded, heavy
    code = "import sys, rtkit; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'typer'" not in loaded


def test_every_hook_and_option_is_documented():
    from rtkit.core import hookspecs

    text = DOCS.read_text()
    for name in (name for name in vars(hookspecs) if name.startswith("rtkit_")):
        assert name in text, name
    readme = (DOCS.parents[1] / "README.md").read_text()
    options = subprocess.run([sys.executable, "-m", "rtkit", "run", "--help"], capture_output=True, text=True, check=True).stdout
    for option in set(re.findall(r"--[a-z][\w-]+", options)) - {"--help"}:
        assert option in readme, option


def test_what_is_public_is_named_in_the_docs():
    import rtkit

    text = "".join(path.read_text() for path in (DOCS, DOCS.with_name("python.md")))
    unnamed = [name for name in rtkit.__all__ if not re.search(rf"\b{name}\b", text)]
    assert unnamed == []
