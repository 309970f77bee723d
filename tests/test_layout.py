"""Rules of the house that no other tool checks."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import p2p_remote

ROOT = Path(__file__).parent.parent
LINE_LIMIT = 400
TEXT_SUFFIXES = {".md", ".py", ".pyi", ".sh", ".tcss", ".toml", ".yml"}
TEXT_NAMES = {"Makefile", ".ci/run"}
# A changelog only ever grows.
NO_LINE_LIMIT = {"CHANGELOG.md", "docs/figures.md"}  # a list, and tables of benches
HEAVY = {"PIL", "Xlib", "mss", "numpy", "pynput", "rich", "textual", "zeroconf"}


def project_files() -> list[Path]:
    """Files of the project, relative to its root; ignored ones are none of it."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        names = [Path(name) for name in listing.split("\0") if name]
        return sorted(name for name in set(names) if (ROOT / name).is_file())
    return sorted(
        path.relative_to(ROOT)
        for path in ROOT.rglob("*")
        if path.is_file() and not path.relative_to(ROOT).parts[0].startswith(".venv")
    )


def source_files(*packages: str) -> list[Path]:
    return [
        name
        for name in project_files()
        if name.suffix == ".py" and name.parts[0] in packages
    ]


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


@pytest.mark.house
def test_no_file_is_longer_than_the_limit() -> None:
    lengths = {
        str(name): (ROOT / name).read_bytes().count(b"\n")
        for name in project_files()
        if name.suffix in TEXT_SUFFIXES or str(name) in TEXT_NAMES
    }
    too_long = {
        name: length
        for name, length in lengths.items()
        if length > LINE_LIMIT and name not in NO_LINE_LIMIT
    }
    assert not too_long


@pytest.mark.house
def test_locks_name_no_host_and_no_machine() -> None:
    locks = sorted(ROOT.glob("requirements*.txt"))
    assert {lock.name for lock in locks} >= {
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-uv.txt",
    }
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock.name
        assert not re.search(r"--(extra-)?index-url|--find-links", text), lock.name
        assert not re.search(r"(^|[\s(])/\w+/", text), lock.name
    assert Path("uv.lock") not in project_files()


@pytest.mark.house
def test_every_locked_package_is_pinned_and_hashed() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        lines = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        for line in lines:
            if line and not line.lstrip().startswith("#"):
                assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:", line), line


@pytest.mark.house
def test_the_version_module_imports_nothing() -> None:
    assert not list(imported_modules(ROOT / "p2p_remote" / "__init__.py"))


@pytest.mark.house
def test_cryptography_has_one_door() -> None:
    importers = {
        str(name)
        for name in source_files("p2p_remote", "rendezvous")
        if any(
            module.split(".")[0] == "nacl" for module in imported_modules(ROOT / name)
        )
    }
    assert importers <= {"p2p_remote/crypto/primitives.py"}


def test_a_call_begins_with_nothing_heavy() -> None:
    """What shows pictures is loaded while the call rings."""
    script = "import sys, p2p_remote.cli.connect; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert not (HEAVY | {"av", "simplejpeg"}) & set(result.stdout.split())


@pytest.mark.parametrize("module", ["p2p_remote", "rendezvous"])
@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_a_plain_command_loads_nothing_heavy(module: str, argument: str) -> None:
    script = (
        "import runpy, sys\n"
        f"sys.argv = [{module!r}, {argument!r}]\n"
        "try:\n"
        f"    runpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as leaving:\n"
        "    assert not leaving.code, leaving.code\n"
        "print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    printed, _, loaded = result.stdout.rpartition("LOADED ")
    assert not HEAVY & set(loaded.split())
    if argument == "--version":
        assert p2p_remote.__version__ in printed
