"""The command line itself: shared options anywhere, help without heavy imports, usage errors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from services.cli.__main__ import main
from services.cli.app import hoist

_HEAVY = ("grpc", "google", "jinja2", "rich.live", "pyarrow", "matplotlib", "torch", "playwright", "sqlalchemy")


def test_shared_options_may_stand_anywhere() -> None:
    line = ["iterations", "list", "--json", "--limit", "3", "--home", "/h", "--server=a:1"]
    assert hoist(line) == ["--json", "--home", "/h", "--server=a:1", "iterations", "list", "--limit", "3"]


def test_what_follows_two_dashes_is_left_alone() -> None:
    assert hoist(["policies", "show", "--", "--json"]) == ["policies", "show", "--", "--json"]


def test_an_option_without_its_value_is_left_for_the_parser_to_refuse() -> None:
    assert hoist(["version", "--home"]) == ["--home", "version"]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom services.cli.__main__ import main\n"
        f"main(['--help'])\nprint([name for name in {_HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "improve" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (["frobnicate"], "frobnicate"),
        (["improve", "--rounds", "0"], "--rounds"),
        (["improve", "--temperature", "warm"], "--temperature"),
        (["trajectories", "list", "--outcome", "great"], "--outcome"),
        (["suites", "import", "tasks.json"], "--name"),
    ],
)
def test_a_usage_error_names_the_word_and_exits_with_2(
    line: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*line, "--json"]) == 2
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["error"]["reason"] == "USAGE"
    assert named in document["error"]["message"]
    assert captured.err.startswith("error: ")


@pytest.mark.parametrize("site", ["SHOPPING=http://a.test", "__SHOPPING__", "__SHOPPING__=shop.test", "=http://a"])
def test_a_malformed_site_says_how_to_write_it(site: str, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tasks.json"
    file.write_text("[]")
    assert main(["suites", "import", str(file), "--name", "mine", "--site", site, "--home", str(tmp_path)]) == 2
    assert "__SHOPPING__=http://shop.example" in capsys.readouterr().err


def test_a_file_that_is_not_text_is_refused(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tasks.json"
    file.write_bytes(b"[\xff]")
    line = ["suites", "import", str(file), "--name", "mine", "--site", "__A__=http://a.test", "--home", str(tmp_path)]
    assert main(line) == 2
    assert "not UTF-8" in capsys.readouterr().err
