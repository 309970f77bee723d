"""Names of files from a peer become one harmless path component."""

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.session.file_names import numbered, safe_name


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\x\\y.txt", "y.txt"),
        ("C:y.txt", "C_y.txt"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("a/", "file"),
        (".bashrc", "_bashrc"),
        ("-rf", "_rf"),
        ("nul.txt", "_nul.txt"),
        ("COM1", "_COM1"),
        ("com1 .txt", "_com1 .txt"),
        ("console.log", "console.log"),
        ("trailing. . ", "trailing"),
        ("a\x00b\x1b[2Jc\nd", "a_b_[2Jc_d"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("x" * 300 + ".tar.gz", "x" * 197 + ".gz"),
        ("ä" * 150 + ".pdf", "ä" * 98 + ".pdf"),
    ],
)
def test_names(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


@given(st.text(max_size=255))
def test_a_safe_name_is_one_component_whatever_came(name: str) -> None:
    """No separator, nothing invisible, no special name, short enough; stable."""
    safe = safe_name(name)
    assert safe == Path(safe).name == PureWindowsPath(safe).name
    assert safe not in {"", ".", ".."}
    assert safe.isprintable()
    assert safe[0] not in ".-"
    assert safe[-1] not in ". "
    assert len(safe.encode()) <= 200
    assert unicodedata.normalize("NFC", safe) == safe
    assert safe_name(safe) == safe


def test_a_name_that_is_taken_gets_a_number_before_its_ending() -> None:
    assert numbered("report.pdf", 1) == "report.pdf"
    assert numbered("report.pdf", 2) == "report (2).pdf"
    assert numbered("README", 3) == "README (3)"
    assert numbered("x." + "y" * 40, 2) == "x." + "y" * 40 + " (2)"
