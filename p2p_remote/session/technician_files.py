"""The technician's side of the files of a session: every transfer begins here."""

from p2p_remote.errors import UsageError
from p2p_remote.session.file_names import safe_name
from p2p_remote.session.files import Files, State, Transfer
from p2p_remote.wire import files


class TechnicianFiles(Files):
    """Starts all transfers."""

    def new_number(self) -> int:
        """Open a transfer for a file that is here; `offer` it, or `stop`."""
        self._newest += 1
        self._open[self._newest] = Transfer(
            self._newest, sending=True, state=State.PREPARING, name=""
        )
        return self._newest

    def get(self, path: str, now: float) -> int:
        """Ask for a file of the customer's machine; returns its number.

        Raises:
            UsageError: the path is empty or too long.

        """
        if not 0 < len(path) <= files.MAX_PATH:
            raise UsageError("The path of the file is empty or too long.")
        self._newest += 1
        self._open[self._newest] = Transfer(
            self._newest, sending=False, state=State.WANTED, name=safe_name(path)
        )
        self._send(files.Get(self._newest, path), now)
        return self._newest

    def _on_offer(self, message: files.Offer, now: float) -> None:
        transfer = self._theirs(message.number, State.WANTED, sending=False)
        if transfer is not None:
            self._take_offer(transfer, message)
            self._prepare_to_receive(transfer)
