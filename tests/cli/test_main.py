"""The parser, its table and the documents agree."""

import re
from pathlib import Path

import pytest

from p2p_remote import errors
from p2p_remote.cli.commands import COMMANDS, GLOBAL_OPTIONS
from p2p_remote.cli.main import build_parser, main

DOCS = Path(__file__).parent.parent.parent / "docs" / "cli.md"


def test_every_command_and_option_is_documented() -> None:
    """docs/cli.md names each command and each option of the table."""
    text = DOCS.read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"p2p-remote {command.name}".strip() in text
        for option in (*GLOBAL_OPTIONS, *command.options):
            if option.names[-1].startswith("--"):
                assert option.names[-1] in text


def test_every_exit_code_is_documented() -> None:
    """The exit codes of all errors stand in the table of docs/cli.md."""
    text = DOCS.read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| (\d+) \|", text, re.MULTILINE))
    for name in dir(errors):
        found = getattr(errors, name)
        if isinstance(found, type) and issubclass(found, errors.RemoteSupportError):
            assert str(found.exit_code) in rows
            assert str(found()), f"{name} has no text for people"


def test_global_options_stand_before_and_after_the_command() -> None:
    """`--json id` and `id --json` mean the same."""
    parser = build_parser()
    assert parser.parse_args(["--json", "id"]).json
    assert parser.parse_args(["id", "--json"]).json
    assert parser.parse_args(["--state-dir", "x", "id"]).state_dir == "x"


def test_every_command_names_a_function_that_exists() -> None:
    """The table points at functions that can be imported."""
    import importlib

    for command in COMMANDS:
        module, _, function = command.run.partition(":")
        if module.endswith(".interface"):
            continue  # imports the interface only inside; see the system tests
        assert callable(getattr(importlib.import_module(module), function))


def test_id_is_the_same_every_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs show one ID, grouped 3-3-3."""
    for _ in range(2):
        assert main(["id", "--state-dir", str(tmp_path)]) == 0
    first, second = capsys.readouterr().out.split("\n")[:2]
    assert first == second
    assert re.fullmatch(r"[1-9]\d\d \d{3} \d{3}", first)


def test_wrong_usage_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown commands and options exit with 2 and say why."""
    for arguments in (["fly"], ["id", "--fast"], ["connect"]):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2
    assert "error" in capsys.readouterr().err
