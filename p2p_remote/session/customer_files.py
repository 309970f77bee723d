"""The customer's side of the files of a session: it alone decides about its disk."""

from collections.abc import Callable

from p2p_remote.errors import ProtocolError, UsageError
from p2p_remote.session import file_events as fe
from p2p_remote.session.files import Files, Line, State, Transfer
from p2p_remote.session.permissions import Grants
from p2p_remote.wire import files
from p2p_remote.wire import text as wire_text

MAX_OPEN = 64  # transfers that a technician may have begun and not ended
RECEIVING = "file_in"
SENDING = "file_out"


class CustomerFiles(Files):
    """Decides about every file of this machine."""

    def __init__(
        self, line: Line, emit: Callable[[fe.FileEvent], None], grants: Grants
    ) -> None:
        """Ask `grants`."""
        super().__init__(line, emit)
        self._grants = grants
        self._newest = {False: 0, True: 0}  # by whether we send

    def permitted(self, number: int, now: float) -> bool:
        """Whether the disk may be touched for this transfer; from any thread.

        What was allowed for one file ends with the session too, by whatever key.
        """
        transfer = self._open.get(number)
        if transfer is None or not self._grants.is_open(now):
            return False
        return transfer.allowed_once or self._grants.allowed(_right(transfer), now)

    def next_asked(self) -> fe.FileAsked | None:
        """Return the oldest transfer that waits for the person's answer."""
        for transfer in self._open.values():
            if transfer.state is State.ASKED:
                return _asked(transfer)
        return None

    def allow(self, number: int) -> None:
        """The person allows this one file.

        Raises:
            UsageError: nothing waits under this number.

        """
        transfer = self._mine(number, State.ASKED)
        if transfer is None:
            raise UsageError("There is no such file to be answered for.")
        transfer.allowed_once = True
        self._go_on(transfer)

    def granted(self, permission: str) -> None:
        """Go on with everything that waited for this permission."""
        for transfer in list(self._open.values()):
            if transfer.state is State.ASKED and _right(transfer) == permission:
                self._go_on(transfer)

    def withdraw(self, permission: str, reason: int, now: float) -> None:
        """Stop every transfer of this direction: it was declined or taken back."""
        for transfer in list(self._open.values()):
            if _right(transfer) == permission:
                self.stop(transfer.number, reason, now)

    def _on_offer(self, message: files.Offer, now: float) -> None:
        transfer = self._new(message.number, now, sending=False)
        if transfer is not None:
            self._take_offer(transfer, message)
            self._judge(transfer, now)

    def _on_get(self, message: files.Get, now: float) -> None:
        transfer = self._new(message.number, now, sending=True)
        if transfer is not None:
            transfer.name = message.path
            self._judge(transfer, now)

    def _new(self, number: int, now: float, *, sending: bool) -> Transfer | None:
        # Both directions count for themselves: a Get is sent at once, an Offer only
        # when its file is open. Odd and even keep a number from being used twice.
        if number % 2 == sending:
            raise ProtocolError("the number of a transfer of the other direction")
        if number <= self._newest[sending]:
            raise ProtocolError("the number of a transfer is used twice")
        self._newest[sending] = number
        if len(self._open) >= MAX_OPEN:
            self._send(files.Stop(number, files.STOP_BUSY), now)
            return None
        transfer = Transfer(number, sending=sending, state=State.ASKED, name="")
        self._open[number] = transfer
        return transfer

    def _judge(self, transfer: Transfer, now: float) -> None:
        if self._grants.allowed(_right(transfer), now):
            self._go_on(transfer)
        else:
            self._emit(_asked(transfer))

    def _go_on(self, transfer: Transfer) -> None:
        if transfer.sending:
            transfer.state = State.PREPARING
            self._emit(fe.FileWanted(transfer.number, transfer.name))
        else:
            self._prepare_to_receive(transfer)


def _right(transfer: Transfer) -> str:
    return SENDING if transfer.sending else RECEIVING


def _asked(transfer: Transfer) -> fe.FileAsked:
    name = transfer.name
    if transfer.sending:
        name = wire_text.clean(name, files.MAX_PATH)
    return fe.FileAsked(transfer.number, not transfer.sending, name, transfer.size)
