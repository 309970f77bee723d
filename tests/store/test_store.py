"""Files in the state folder: private, whole, and clear when they are damaged."""

import os
from pathlib import Path

import pytest

from p2p_remote.errors import StateError
from p2p_remote.store.keystore import load_identity
from p2p_remote.store.known_peers import KnownPeer, KnownPeers
from p2p_remote.store.paths import downloads_dir, state_dir, write_private
from p2p_remote.store.settings import Settings, keep_theme, load_settings


def test_identity_is_made_once_and_kept(tmp_path: Path) -> None:
    """The second start reads the identity that the first one made, mode 0600."""
    first = load_identity(tmp_path, os.urandom)
    again = load_identity(tmp_path, os.urandom)
    assert first.peer_id == again.peer_id
    assert first.public == again.public
    assert (tmp_path / "identity").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\x00" * 200, b"x" * 5000])
def test_damaged_identity_is_one_clear_line_and_is_kept(
    tmp_path: Path, data: bytes
) -> None:
    """A malformed identity file is reported, and never overwritten."""
    file = tmp_path / "identity"
    file.write_bytes(data)
    file.chmod(0o600)
    with pytest.raises(StateError) as caught:
        load_identity(tmp_path, os.urandom)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == data


def test_identity_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """An identity file with group or world permissions is not used."""
    load_identity(tmp_path, os.urandom)
    (tmp_path / "identity").chmod(0o644)
    with pytest.raises(StateError, match="chmod 600"):
        load_identity(tmp_path, os.urandom)


def test_identity_behind_a_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link in place of the identity is not followed."""
    (tmp_path / "identity").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError):
        load_identity(tmp_path, os.urandom)


def test_state_dir_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is one clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="--state-dir"):
        state_dir(str(tmp_path / "file" / "state"))


def test_downloads_are_made_or_refused_at_once(tmp_path: Path) -> None:
    """A folder that is named is there afterwards, or that is one clear error."""
    named = tmp_path / "in" / "coming"
    assert downloads_dir(str(named)) == named
    assert named.is_dir()
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(StateError, match="--downloads"):
            downloads_dir(str(wrong))


def test_settings(tmp_path: Path) -> None:
    """Settings are read; unknown or wrong ones are named."""
    assert load_settings(tmp_path) == Settings()
    file = tmp_path / "settings.toml"
    file.write_text('rendezvous = "help.example:3479"\nname = "Anna"\n')
    assert load_settings(tmp_path) == Settings("help.example:3479", "Anna")
    for wrong, said in (
        ("name = 3", "'name'"),
        ("colour = 'x'", "'colour'"),
        ("= 1", "TOML"),
    ):
        file.write_text(wrong)
        with pytest.raises(StateError, match=said):
            load_settings(tmp_path)


def test_the_theme_is_kept_beside_what_the_file_says(tmp_path: Path) -> None:
    """Comments and other settings stay; a file with a mistake is left alone."""
    file = tmp_path / "settings.toml"
    keep_theme(tmp_path, "p2p-light")
    assert load_settings(tmp_path) == Settings(theme="p2p-light")
    said = '# ours\nname = "Anna"\ntheme = "nord" # mine\n'
    file.write_text(said)
    keep_theme(tmp_path, "p2p-dark")
    assert file.read_text() == '# ours\nname = "Anna"\ntheme = "p2p-dark"\n'
    for kept in ("name = \n", 'name = """\ntheme = "x"\n"""\n'):
        file.write_text(kept)
        keep_theme(tmp_path, "p2p-light")
        assert file.read_text() == kept
    file.unlink()
    keep_theme(tmp_path, 'x"\nname = "y')
    assert not file.exists()


def test_known_peers_are_kept_by_key(tmp_path: Path) -> None:
    """A remembered peer is found by its key, and only by its key."""
    peers = KnownPeers(tmp_path)
    peers.remember(KnownPeer(482_913_070, "ab" * 32, "Anna", "digits", "2026-11-22"))
    found = KnownPeers(tmp_path).find(b"\xab" * 32)
    assert found is not None
    assert found.peer_id == 482_913_070
    assert KnownPeers(tmp_path).find(b"\xac" * 32) is None


@pytest.mark.parametrize("text", ["", "[1]", '[{"peer_id": 1}]', "{"])
def test_damaged_known_peers_are_reported(tmp_path: Path, text: str) -> None:
    """A damaged file of known peers is an error, not an empty list."""
    (tmp_path / "known_peers.json").write_text(text)
    with pytest.raises(StateError, match="damaged"):
        KnownPeers(tmp_path)


def test_private_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    """Writing leaves either the old or the new content, and no other file."""
    file = tmp_path / "secret"
    write_private(file, b"one")
    write_private(file, b"two")
    assert file.read_bytes() == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
