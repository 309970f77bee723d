"""The command line of the server."""

import subprocess
import sys

import pytest

from p2p_remote import __version__
from p2p_remote.errors import UsageError
from rendezvous import cli


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0.0.0:3479", ("0.0.0.0", 3479)),
        ("[::1]:443", ("::1", 443)),
        ("[::1]", ("::1", 3479)),
        ("::1", ("::1", 3479)),
        ("example.test", ("example.test", 3479)),
        ("example.test:0", ("example.test", 0)),
        (":443", ("", 443)),
    ],
)
def test_addresses_are_read_as_people_write_them(text, expected):
    """The port may be left out, IPv6 stands in brackets, no host means all."""
    assert cli.split_address(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x:443", ("x", 443, True)), ("[::]:443/udp", ("::", 443, False))],
)
def test_tcp_can_be_left_out(text, expected):
    """Where another program has the TCP port."""
    assert cli.split_listen(text) == expected


@pytest.mark.parametrize("text", ["a:b", "a:70000", "a:-1", "a:٣"])
def test_wrong_ports_are_refused(text):
    """With an example of a right one."""
    with pytest.raises(UsageError, match="HOST:PORT"):
        cli.split_address(text)


def test_too_many_addresses_are_refused_in_one_line(capsys):
    """The number of a listening socket has seven bits."""
    arguments = [word for _ in range(128) for word in ("--listen", "127.0.0.1:0")]
    assert cli.main(arguments) == 6
    assert "127 addresses" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--listen", "x:y"], "HOST:PORT"),
        (["--listen", "x:443/sctp"], "HOST:PORT"),
        (["--store", "sqlite"], "--database"),
        (["--store", "memory", "--database", "x"], "--store sqlite"),
        (["--relay-rate", "0"], "--relay-rate"),
        (["--relay-rate", "nan"], "--relay-rate"),
        (["--public", ":1"], "--public"),
    ],
)
def test_wrong_arguments_exit_with_2_and_one_line(arguments, word, capsys):
    """The line names what is wrong."""
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1


def test_an_unusable_database_exits_with_1_and_one_line(tmp_path, capsys):
    """The file is named."""
    path = tmp_path / "nowhere" / "x.sqlite3"
    assert cli.main(["--database", str(path)]) == 1
    error = capsys.readouterr().err
    assert str(path) in error
    assert error.count("\n") == 1


def test_settings_follow_the_options():
    """Relay, rate and public addresses arrive where they are used."""
    options = cli.parser().parse_args(
        ["--no-relay", "--relay-rate", "8", "--public", "192.0.2.1:3479"]
    )
    settings = cli._settings(options)
    assert settings.relay is False
    assert settings.relay_rate == 1_000_000
    assert len(settings.public_endpoints) == 1


def test_the_version_is_printed_and_nothing_heavy_loaded():
    """No asyncio, no socket, no cryptography for a version string."""
    code = (
        "import sys\n"
        "from rendezvous.cli import main\n"
        "try:\n"
        "    main(['--version'])\n"
        "finally:\n"
        "    print([m for m in ('asyncio', 'socket', 'nacl', 'sqlite3', 'logging')"
        " if m in sys.modules])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0
    assert result.stdout.splitlines() == [__version__, "[]"]
