"""The technician's side of the files of a session: every transfer begins here."""

import itertools
from collections.abc import Callable

from p2p_remote.errors import UsageError
from p2p_remote.session import file_events as fe
from p2p_remote.session.file_names import safe_name
from p2p_remote.session.files import Files, Line, State, Transfer
from p2p_remote.wire import files


class TechnicianFiles(Files):
    """Starts all transfers: odd numbers are sent, even ones are got."""

    def __init__(self, line: Line, emit: Callable[[fe.FileEvent], None]) -> None:
        """Begin with the numbers 1 and 2."""
        super().__init__(line, emit)
        self._odd, self._even = itertools.count(1, 2), itertools.count(2, 2)

    def new_number(self) -> int:
        """Open a transfer for a file that is here; `offer` it, or `stop`.

        One after the other: the customer takes Offers with rising numbers only.
        """
        number = next(self._odd)
        self._open[number] = Transfer(
            number, sending=True, state=State.PREPARING, name=""
        )
        return number

    def get(self, path: str, now: float) -> int:
        """Ask for a file of the customer's machine; returns its number.

        Raises:
            UsageError: the path is empty or too long.

        """
        if not 0 < len(path) <= files.MAX_PATH:
            raise UsageError("The path of the file is empty or too long.")
        number = next(self._even)
        self._open[number] = Transfer(
            number, sending=False, state=State.WANTED, name=safe_name(path)
        )
        self._send(files.Get(number, path), now)
        return number

    def _on_offer(self, message: files.Offer, now: float) -> None:
        transfer = self._theirs(message.number, State.WANTED, sending=False)
        if transfer is not None:
            self._take_offer(transfer, message)
            self._prepare_to_receive(transfer)
