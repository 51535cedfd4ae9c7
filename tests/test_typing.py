"""rtkit is typed for its users: what they may write passes mypy, what they may not is refused."""

import re
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "typing"


@pytest.fixture(scope="module")
def found():
    """Errors of mypy by file and line."""
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    told, _, _ = api.run(["--strict", "--no-error-summary", "--follow-imports=silent", *map(str, sorted(FIXTURES.glob("*.py")))])
    return {(Path(m[1]).name, int(m[2]), m[3]) for m in re.finditer(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", told, re.M)}


def test_what_users_may_write_passes(found):
    assert not {error for error in found if error[0] == "good.py"}


def test_what_they_may_not_is_refused(found):
    lines = (FIXTURES / "bad.py").read_text().splitlines()
    marked = {("bad.py", number, m[1]) for number, line in enumerate(lines, 1) if (m := re.search(r"# refused: ([\w-]+)", line))}
    assert {error for error in found if error[0] == "bad.py"} == marked
