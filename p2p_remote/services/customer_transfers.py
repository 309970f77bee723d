"""Files at the customer's side: into one folder, or out after a yes."""

import os
from collections.abc import Callable
from pathlib import Path

from p2p_remote.services import denials
from p2p_remote.services import events as se
from p2p_remote.services.running_node import RunningNode
from p2p_remote.services.transfer_job import Job
from p2p_remote.services.transfers import Transfers
from p2p_remote.session import file_events as fe
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.customer_files import RECEIVING, SENDING
from p2p_remote.wire import files as wire_files
from p2p_remote.wire.text import clean

_STOPS = {
    denials.BY_PERSON: wire_files.STOP_REFUSED,
    denials.UNANSWERED: wire_files.STOP_UNANSWERED,
    denials.TOO_SOON: wire_files.STOP_TOO_SOON,
    denials.NOT_VERIFIED: wire_files.STOP_NOT_VERIFIED,
    denials.NO_HOTKEY: wire_files.STOP_REVOKED,
}


class CustomerTransfers(Transfers):
    """Does what the customer has allowed; asks for what is not."""

    def __init__(
        self,
        session: CustomerSession,
        running: RunningNode,
        notify: Callable[[se.ServiceEvent], None],
        folder: Path,
        ask: Callable[[str, se.FileFacts], None],
    ) -> None:
        """Write into `folder`; `ask` is given permission and file of a question."""
        super().__init__(session, running, notify)
        self._files = session.files
        self._folder = folder
        self._ask = ask

    def ask_next(self) -> None:
        """Ask about the next file that waits for an answer, if there is one."""
        waiting = self._files.next_asked()
        if waiting is not None and not self._closed:
            permission = RECEIVING if waiting.incoming else SENDING
            facts = se.FileFacts(
                waiting.number,
                waiting.incoming,
                waiting.name if waiting.incoming else shown_path(waiting.name),
                waiting.size,
                str(self._folder) if waiting.incoming else "",
            )
            self._ask(permission, facts)

    def is_waiting(self, number: int) -> bool:
        """Whether this transfer is still there to be answered for."""
        return self._files.transfer(number) is not None

    def allow(self, number: int) -> None:
        """Let this one file through.

        Raises:
            UsageError: nothing waits under this number.

        """
        self._files.allow(number)

    def granted(self, permission: str) -> None:
        """Everything that waited for this permission may go on."""
        self._files.granted(permission)

    def withdraw(self, permission: str) -> None:
        """Stop everything in this direction: the permission was taken back."""
        self._files.withdraw(permission, wire_files.STOP_REVOKED, self._now())

    def decline(self, permission: str, why: str) -> None:
        """Stop everything in this direction for one of `services.denials`."""
        self._files.withdraw(permission, _STOPS[why], self._now())

    def _on_new(self, event: fe.FileEvent) -> None:
        match event:
            case fe.FileAsked() | fe.FileStopped():
                self.ask_next()
            case fe.FileOffered(number=number, name=name, size=size):
                job = Job(number, name, size, incoming=True)
                self._start(job, self._receive(job, self._folder, event))
            case fe.FileWanted(number=number, path=path):
                job = Job(number, Path(path).name, 0, incoming=False)
                self._start(job, self._send(job, _below_home(path)))
            case _:
                pass

    def _permitted(self, number: int) -> Callable[[], bool]:
        clock, permitted = self._running.clock, self._files.permitted
        return lambda: permitted(number, clock())


def _below_home(path: str) -> Path:
    """Absolute path of what the technician asked for; `~` is the customer's home.

    Without detours (`/./`, `x/..`), which would only hide where it leads.
    """
    relative = path.removeprefix("~").lstrip("/") if path.startswith("~/") else path
    return Path(os.path.normpath(Path.home() / relative))


def shown_path(path: str) -> str:
    """The same, to be shown to the person who is asked for it."""
    return clean(str(_below_home(path)), wire_files.MAX_PATH)
