"""Views of plug-ins: found, served, shown; one that is broken hurts nobody. And no plug-in's name in the page or its server."""

import http.client
import importlib.metadata
import logging
import re
import textwrap
from pathlib import Path

import pytest
import rtkit_ecg

import rtkit.live
from rtkit import Event, hookimpl
from rtkit.cli import listing
from rtkit.core.host import Host, host
from rtkit.live import server as server_module
from rtkit.live.server import LiveServer
from rtkit.provided.views import find_views
from tests.live.talk import Page

VIEW = "export default class { constructor() { this.element = document.createElement('p'); } }"


def get(server, path):
    """Status, type and text of an answer."""
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.headers["content-type"], answer.read().decode(errors="replace")
    connection.close()
    return found


def plugin(folder, name, body, files):
    """A plug-in that is a single file, with files beside it; `body` is what its hook for views does."""
    for file, text in files.items():
        path = folder / file
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    path = folder / f"{name}.py"
    path.write_text(f"from rtkit import hookimpl\n@hookimpl\ndef rtkit_register_views(register):\n{textwrap.indent(body, '    ')}\n")
    return path


@pytest.fixture
def loaded(tmp_path):
    """A host without plug-ins, and a function that adds one."""
    made = Host(entry_points=[])

    def add(name, body, files):
        made.add_file(plugin(tmp_path, name, body, files))
        return find_views(made)[f"file:{name}"]

    return add


def test_views_are_found_beside_their_plugin(loaded, tmp_path):
    body = "register('beat', 'views/a.js'); register('ecg', 'views/a.js'); register('x', 'views/b.js')"
    views = loaded("mine", body, {"views/a.js": VIEW, "views/b.js": ""})
    assert views.error is None
    assert views.folder == tmp_path / "views"
    assert views.modules == {"a.js": ["beat", "ecg"], "b.js": ["x"]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('no\\nluck')", "RuntimeError: no luck"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("register('beat', 'views/none.js')", "views/none.js is no file"),
        ("register('beat', 'mine.py')", "mine.py is no file"),
        ("register('beat', 'views')", "views is no file"),
        ("register(3, 'views/a.js')", "3 is no kind of event"),
        ("register('x', 'views/a.js'); register('y', 'other.js')", "another folder"),
        ("register('beat')", "TypeError"),
        ("register('beat', 'views/a.js', form='square')", "form 'square'; expected trace or sound"),
    ],
)
def test_a_plugin_whose_views_are_wrong_is_refused_alone(loaded, body, reason):
    good = loaded("good", "register('beat', 'views/a.js')", {"views/a.js": VIEW})
    bad = loaded("mine", body, {"views/a.js": VIEW, "other.js": VIEW})
    assert reason in bad.error
    assert "\n" not in bad.error
    assert (bad.folder, bad.modules) == (None, {})
    assert good.modules == {"a.js": ["beat"]}


def test_the_list_of_plugins_tells_of_views_and_what_is_wrong_with_them(tmp_path, monkeypatch):
    made = Host(entry_points=[])
    made.add_file(plugin(tmp_path, "bad", "register('beat', 'none.js')", {}))
    made.add_file(plugin(tmp_path, "good", "register('beat', 'a.js')", {"a.js": VIEW}))
    monkeypatch.setattr(listing, "host", lambda: made)
    bad, good = listing.plugins()
    assert "views: ValueError: view 'beat': none.js is no file" in bad["error"]
    assert (good["error"], good["views"]) == (None, ["beat"])


def test_every_shipped_view_is_there():
    found = find_views(host())
    assert {name: views.error for name, views in found.items() if views.error} == {}
    wants = {name for views in found.values() for names in views.modules.values() for name in names}
    assert {"ecg", "beat", "rhythm", "quality", "arx", "narx", "model", "latent", "cluster", "echo"} <= wants


@pytest.fixture
def views(tmp_path, monkeypatch):
    """Puts plug-ins with views beside the shipped ones for the server that is made next."""

    def register(**bodies):
        made = Host(entry_points=[])
        for name, (body, files) in bodies.items():
            made.add_file(plugin(tmp_path, name, body, files))
        monkeypatch.setattr(server_module, "find_views", lambda _: find_views(host()) | find_views(made))

    return register


@pytest.fixture
def serve(recordings):
    """Makes a server, which is closed afterwards."""
    made = []

    def start():
        made.append(LiveServer(recordings))
        made[-1].start()
        return made[-1]

    yield start
    for server in made:
        server.close()


def test_a_page_is_told_of_the_views_and_gets_them(serve):
    server = serve()
    with Page(server) as page:
        views = {view["module"]: view for view in page.hello["views"]}
    strip = views["/views/rtkit:ecg/strip.js"]
    assert (strip["plugin"], set(strip["wants"])) == ("rtkit:ecg", {"ecg", "beat", "rhythm", "quality"})
    for module in views:
        status, kind, text = get(server, module)
        assert (status, kind.partition(";")[0]) == (200, "text/javascript")
        assert "export default class" in text


def test_only_what_belongs_to_views_is_served(serve, views, tmp_path):
    secret = tmp_path / "views" / "secret.js"
    files = ("views/a.js", "views/b.js", "views/style.css", "views/keys.json", "views/data.py", "views/inner/c.js", "secret.js")
    views(mine=("register('beat', 'views/a.js')", dict.fromkeys(files, "")))
    server = serve()
    secret.symlink_to(Path(rtkit_ecg.__file__).parent / "views" / "strip.js")
    for name in ("a.js", "b.js", "style.css"):
        assert get(server, f"/views/file:mine/{name}")[0] == 200, name
    for name in (
        "none.js", "", ".", "..", "keys.json", "data.py", "secret.js", "inner/c.js", "../secret.js", "..%2fsecret.js", "%2e%2e/secret.js",
        "../mine.py", "%2fetc%2fpasswd", "a.js%00", "../../../etc/passwd", "..%5csecret.js",
    ):  # fmt: skip
        assert get(server, f"/views/file:mine/{name}")[0] == 404, name
    for path in ("/views/", "/views/none/a.js", "/views/../views/mine.py", "/views/a.js", "/views//a.js", "/views/rtkit:signals/strip.js"):
        assert get(server, path)[0] == 404, path
    assert get(server, "/views/file:mine/a.js")[0] == 200


def test_a_server_starts_although_views_are_refused(serve, views, caplog):
    views(mine=("raise RuntimeError('no luck')", {}))
    with caplog.at_level(logging.WARNING, "rtkit"):
        server = serve()
    assert [record.getMessage() for record in caplog.records] == ["views of plug-in file:mine: RuntimeError: no luck"]
    with Page(server) as page:
        assert "/views/rtkit:ecg/strip.js" in {view["module"] for view in page.hello["views"]}
        assert "file:mine" not in {view["plugin"] for view in page.hello["views"]}


def test_the_page_and_its_server_know_no_plugin_by_name():
    own = [point.name for point in importlib.metadata.entry_points(group="rtkit") if point.value.startswith("rtkit_")]
    names = {name for info in host().plugins.values() if info.name in own for name in (info.name, *info.processors)}
    names |= {name for views in find_views(host()).values() for wants in views.modules.values() for name in wants}
    assert {"ecg", "sysid", "arx", "beat"} <= names
    texts = [path for path in Path(rtkit.live.__file__).parent.rglob("*") if path.suffix in (".py", ".js", ".html", ".css")]
    found = [
        (path.name, word[0])
        for path in texts
        for word in re.finditer(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])", path.read_text())
    ]
    assert found == []


# In a browser


@pytest.fixture
def page_of(serve):
    """Opens the page of a new server in Chromium."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    from tests.live.chromium import browser

    with browser() as chromium:

        def start():
            page = chromium.new_page()
            page.complaints = []
            page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: page.complaints.append(str(error)))
            page.goto(serve().url)
            return page

        yield start


def watch(page, source, processor=None):
    from playwright.sync_api import expect

    expect(page.locator("#start")).to_be_enabled(timeout=30_000)
    page.select_option("#source", source)
    if source == "near.flac":
        page.select_option("#far", "far.flac")
    if processor is not None:
        page.select_option("#processor", processor)
        page.click("#add-processor")
    page.click("#start")
    expect(page.locator("#state")).to_have_text("running", timeout=90_000)


STAND = "constructor() { this.element = document.createElement('p'); }"
HEARS = """
import { element } from "/static/draw.js";
import { word } from "./word.js";
export default class {
  constructor() { this.element = element("p", { id: "mine" }); this.kinds = new Set(); this.drawn = 0; }
  event(event) { this.kinds.add(event.kind); }
  draw() { this.drawn++; this.element.textContent = `${word} ${[...this.kinds]}`; }
}
"""


def test_a_strangers_view_is_shown_beside_what_draws_the_signal(page_of, views):
    from playwright.sync_api import expect

    views(mine=("register('beat', 'views/hears.js')", {"views/hears.js": HEARS, "views/word.js": "export const word = 'heard';"}))
    page = page_of()
    watch(page, "119.hea", "ecg")
    expect(page.locator("#mine")).to_have_text("heard beat", timeout=90_000)
    expect(page.locator("canvas.strip")).to_be_visible()
    expect(page.locator("#error")).to_be_hidden()
    assert page.complaints == []


def test_the_view_of_the_docs_is_drawn(page_of, views):
    from playwright.sync_api import expect

    text = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
    rate = re.search(r"^`views/rate.js`:\n\n```js\n(.*?)^```", text, re.M | re.S)[1]
    views(mine=("register('beat', 'views/rate.js')", {"views/rate.js": rate}))
    page = page_of()
    watch(page, "119.hea", "ecg")
    chart = page.get_by_role("img", name="heart rate")
    expect(chart).to_be_visible(timeout=90_000)
    page.wait_for_timeout(5_000)
    colours = (
        """canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
    )
    assert chart.evaluate(colours) > 3
    expect(page.locator("#error")).to_be_hidden()
    assert page.complaints == []


SIGNAL = """
export default class {
  constructor() { this.element = document.createElement("p"); this.element.id = "mine"; }
  samples({ parts }) { this.element.textContent = `${parts[0].what} ${parts[0].values.constructor.name}`; }
}
"""


def test_a_view_gets_signals_in_the_form_that_it_asks_for(page_of, views):
    from playwright.sync_api import expect

    views(mine=("register('adaline', 'views/signal.js', form='trace')", {"views/signal.js": SIGNAL}))
    page = page_of()
    watch(page, "near.flac", "adaline")
    expect(page.locator("#mine")).to_have_text("trace Float32Array", timeout=30_000)
    assert page.locator("canvas.wave").count() == 0
    page.click("#stop")
    expect(page.locator("#state")).to_have_text("ended")
    page.click("[aria-label='remove adaline']")
    watch(page, "near.flac")
    expect(page.locator("canvas.wave").first).to_be_visible(timeout=30_000)  # the next stream comes in its own form


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("export default class {", "views/bad.js"),
        ("throw new Error('not today');", "not today"),
        ("export const nothing = 1;", "its default export is no class"),
        ("export default class {}", "it has no element"),
        (f"export default class {{ {STAND} samples() {{ throw new Error('not today'); }} }}", "not today"),
        (f"export default class {{ {STAND} event() {{}} draw() {{ throw new Error('not today'); }} }}", "not today"),
        ("import x from './none.js'; export default class {}", "bad.js"),
    ],
)  # fmt: skip
def test_a_view_that_fails_is_told_of_and_dropped(page_of, views, script, why):
    from playwright.sync_api import expect

    views(mine=("register('echo', 'views/bad.js'); register('adaline', 'views/bad.js')", {"views/bad.js": script}))
    page = page_of()
    watch(page, "near.flac", "adaline")
    expect(page.locator("#error")).to_contain_text("the view bad.js of plug-in file:mine was dropped", timeout=30_000)
    expect(page.locator("#error")).to_contain_text(why if "/" not in why else "bad.js")
    expect(page.locator("canvas.wave").first).to_be_visible(timeout=30_000)
    expect(page.locator("figcaption").filter(has_text="ERLE")).to_be_visible(timeout=90_000)
    assert not [text for text in page.complaints if "stage.js" in text]
    page.click("#stop")
    expect(page.locator("#state")).to_have_text("ended")
    page.click("#start")
    expect(page.locator("#state")).to_have_text("running", timeout=90_000)
    expect(page.locator("#error")).to_be_hidden()  # once


def test_an_event_of_an_unknown_processor_brings_its_view(page_of, views):
    from playwright.sync_api import expect

    class Teller:
        @hookimpl
        def rtkit_stream_started(self, stream):
            stream.chain.events.append(Event(0.0, "strange", "x"))

    views(mine=("register('strange', 'views/hears.js')", {"views/hears.js": HEARS, "views/word.js": "export const word = 'heard';"}))
    teller = Teller()
    host().manager.register(teller)
    try:
        page = page_of()
        watch(page, "near.flac")
        expect(page.locator("#mine")).to_have_text("heard strange", timeout=30_000)
        expect(page.locator("canvas.wave").first).to_be_visible()
    finally:
        host().manager.unregister(teller)
