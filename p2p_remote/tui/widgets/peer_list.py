"""Machines found on the local network."""

from collections.abc import Sequence

from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from p2p_remote.wire import peer_id


class PeerList(OptionList):
    """A list of IDs; Enter or a click on one calls it."""

    class Chosen(Message):
        """A machine is to be called."""

        def __init__(self, peer_id: int) -> None:
            """Carry its ID."""
            self.peer_id = peer_id
            super().__init__()

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 -- Textual's name
        """Make an empty list."""
        super().__init__(id=id, markup=False)
        self._peers: tuple[int, ...] = ()

    def show(self, peers: Sequence[int]) -> None:
        """Show these, and keep the place in the list."""
        if tuple(peers) == self._peers:
            return
        at = self.highlighted
        chosen = self._peers[at] if at is not None and at < len(self._peers) else 0
        self._peers = tuple(peers)
        self.clear_options()
        self.add_options(
            Option(f"{peer_id.grouped(number)}", str(number)) for number in self._peers
        )
        if self._peers:
            known = chosen in self._peers
            self.highlighted = self._peers.index(chosen) if known else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell which one was chosen."""
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(int(event.option_id)))
