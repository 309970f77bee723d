"""Fixtures of several tests of services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from p2p_remote.net.interfaces import InterfaceAddress
from p2p_remote.services import transfer_lanes
from tests.support.transfers import Ends


@pytest.fixture
async def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ends]:
    """Two ends whose only address is that of the loopback."""
    monkeypatch.setattr(
        transfer_lanes,
        "interface_addresses",
        lambda: [InterfaceAddress("lo", "127.0.0.1", 8)],
    )
    monkeypatch.setattr(transfer_lanes, "is_usable", lambda _: True)
    made = Ends(tmp_path, "file_in", "file_out")
    yield made
    await made.technician.close()
    await made.customer.close()
