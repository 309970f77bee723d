"""The technician's side: call, read the digits out, see, and act when allowed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from p2p_remote.errors import (
    NetworkError,
    NoSuchPeerError,
    PermissionNotGrantedError,
    RemoteSupportError,
    ServerSilentError,
    SessionAbortedError,
    UsageError,
)
from p2p_remote.screen.geometry import Rect
from p2p_remote.services import events as se
from p2p_remote.services.exit_codes import EXIT_CODES, told
from p2p_remote.services.line_report import LineReport
from p2p_remote.services.picture import Picture
from p2p_remote.services.remote_pointer import RemotePointer
from p2p_remote.services.running_node import NodeOptions, RunningNode
from p2p_remote.services.technician_transfers import TechnicianTransfers
from p2p_remote.session import events as ev
from p2p_remote.session import file_events as fe
from p2p_remote.session import node_events as nd
from p2p_remote.session.roles import State
from p2p_remote.session.technician import TechnicianSession
from p2p_remote.wire import control
from p2p_remote.wire.input import InputMessage
from p2p_remote.wire.screen import CursorPosition, CursorShape

if TYPE_CHECKING:
    import numpy as np

_LOG = logging.getLogger(__name__)
CALL_SECONDS = 15.0  # s until a call that nobody answers is given up
MAX_BREAKS = 3  # key frames asked for within BREAKS_WINDOW before we give up
BREAKS_WINDOW = 10.0  # s
LATE_INPUT = 5.0  # s of silence after which input is refused: it would come too late


class TechnicianService:
    """One outgoing session. All methods are called on its loop."""

    def __init__(
        self,
        options: NodeOptions,
        notify: Callable[[se.ServiceEvent], None],
    ) -> None:
        """Nothing happens before `start`; `notify` is called on the loop."""
        self._running = RunningNode(options)
        self._notify = notify
        self._target = 0
        self._call: int | None = None
        self._session: TechnicianSession | None = None
        self._held: list[ev.SessionEvent] | None = None  # until the ID is checked
        self._picture = Picture(
            self._running.clock, self._on_frame, self._on_broken_picture
        )
        self._breaks: list[float] = []
        self._silent_at: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._give_up: asyncio.TimerHandle | None = None
        self._report = LineReport(self._running.clock, lambda: self._session, notify)
        self._pointer = RemotePointer()
        self._transfers: TechnicianTransfers | None = None

    async def start(self) -> None:
        """Open the sockets.

        Raises:
            NetworkError: no network, or the server's name is unknown.

        """
        await self._running.start(self._on_node_event)
        self._spawn(self._report.run())

    async def call(self, target: int, *, password: str = "") -> None:
        """Call an ID; everything after this arrives as events."""
        if target == self._running.identity.peer_id:
            raise UsageError("This is your own ID. Type the ID of the other machine.")
        self._target = target
        self._notify(se.Calling(target))
        try:
            self._call = await self._running.call(target, password=password)
        except (NetworkError, NoSuchPeerError) as error:
            self._notify(se.Failed(error))
            return
        self._give_up = asyncio.get_running_loop().call_later(
            CALL_SECONDS, self._on_no_answer
        )

    async def close(self) -> None:
        """End the session and leave."""
        self.end()
        if self._transfers is not None:
            await self._transfers.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._running.close()

    # Acting.

    @property
    def framebuffer(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """The remote screen, (height, width, 4) BGRX."""
        return self._picture.framebuffer

    @property
    def grants(self) -> tuple[str, ...]:
        """What the customer has granted."""
        return self._session.grants if self._session is not None else ()

    @property
    def digits(self) -> str:
        """The comparison digits of this session."""
        return self._session.handshake.digits if self._session is not None else ""

    def send_input(self, messages: Sequence[InputMessage]) -> None:
        """Send input in order.

        Raises:
            PermissionNotGrantedError: control is not granted, or the other side has
                been silent for so long that the input would come too late.
            UsageError: there is no session.

        """
        session = self._active()
        now = self._running.clock()
        if self._silent_at is not None and now - self._silent_at >= LATE_INPUT:
            raise PermissionNotGrantedError(
                "The other side does not answer; nothing is sent until it does."
            )
        for message in messages:
            session.send_input(message, now)
        self._running.poke()

    def request(self, permission: str) -> None:
        """Ask the customer for a permission."""
        self._active().request(permission, self._running.clock())
        self._running.poke()

    def send_viewport(self, viewport: control.Viewport) -> None:
        """Tell the customer's side what is shown."""
        self._active().send_viewport(viewport, self._running.clock())
        self._running.poke()

    @property
    def transfers(self) -> TechnicianTransfers:
        """The files of this session.

        Raises:
            UsageError: there is no session.

        """
        self._active()
        if self._transfers is None:
            raise UsageError("There is no session.")
        return self._transfers

    def end(self) -> None:
        """End the session, or give up the call."""
        now = self._running.clock()
        if self._session is not None:
            began = self._session.started_at is not None
            text = (
                "The technician ended the session."
                if began
                else "The technician cancelled the call."
            )
            self._session.end(control.REASON_ENDED, text, now)
            self._running.poke()
        elif self._call is not None:
            self._running.node.cancel(self._call, now)
            self._call = None
            self._running.poke()

    async def snapshot(
        self, *, wait_settled: bool, limit: float = 30.0
    ) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """Return a copy of the picture, (height, width, 3) RGB.

        Args:
            wait_settled: wait until everything the customer's screen shows has come.
            limit: s to wait at most.

        Raises:
            UsageError: there is no session or no picture yet.
            NetworkError: it did not settle in time.

        """
        self._active()
        if wait_settled and not await self._picture.wait_settled(limit):
            raise NetworkError("The picture did not come to rest.")
        if self._picture.generation == 0:
            raise UsageError("There is no picture yet.")
        picture = self._picture
        shown = picture.reference if wait_settled else picture.framebuffer
        return shown[:, :, 2::-1].copy()

    # Events of the node.

    def _on_node_event(self, event: nd.NodeEvent) -> None:
        match event:
            case nd.CallAnswered(call=call):
                if call == self._call and self._give_up is not None:
                    self._give_up.cancel()
            case nd.CallFailed(call=call, error=error):
                if call == self._call:
                    self._fail(error)
            case nd.SessionOpened(handle=handle, session=session):
                if handle == self._call and isinstance(session, TechnicianSession):
                    self._on_opened(session)
            case nd.SessionHappened(session=session, event=happened):
                if session is self._session:
                    self._hold_or_take(happened)
            case nd.NodeUnregistered():
                silent = "The server does not answer."
                self._notify(se.Trouble(self._running.proxy_trouble or silent))
            case _:
                pass

    def _on_no_answer(self) -> None:
        if self._call is not None and self._session is None:
            self._running.node.cancel(self._call, self._running.clock())
            self._fail(NoSuchPeerError())

    def _fail(self, error: RemoteSupportError) -> None:
        self._call = None
        if self._give_up is not None:
            self._give_up.cancel()
        if isinstance(error, ServerSilentError) and self._running.proxy_trouble:
            error = NetworkError(self._running.proxy_trouble)
        self._notify(se.Failed(error))

    def _hold_or_take(self, event: ev.SessionEvent) -> None:
        if self._held is not None:
            self._held.append(event)
        elif isinstance(event, fe.FileEvent):
            if self._transfers is not None:
                self._transfers.on_event(event)
        else:
            self._on_session_event(event)

    def _on_opened(self, session: TechnicianSession) -> None:
        """Show the digits; nothing else happens before the ID has been checked."""
        self._session = session
        self._held = []
        shaken = session.handshake
        expected = shaken.digits_expected
        self._notify(se.Ringing(shaken.digits, shaken.peer_name, expected))
        self._spawn(self._check_identity(session))
        self._spawn(self._picture.run())

    async def _check_identity(self, session: TechnicianSession) -> None:
        """Make sure that the key belongs to the ID that was typed."""
        handshake = session.handshake
        found = await self._running.derive(
            handshake.peer_public, handshake.peer_counter
        )
        held, self._held = self._held or [], None
        if found == self._target:
            for event in held:
                self._on_session_event(event)
            return
        session.end(
            control.REASON_WRONG_IDENTITY,
            "The machine that answered does not own this ID. Do not go on.",
            self._running.clock(),
        )
        self._running.poke()

    def _on_session_event(self, event: ev.SessionEvent) -> None:
        match event:
            case ev.ScreenArrived(update=update):
                self._picture.put(update)
            case ev.PatchArrived(patch=patch):
                self._picture.put_patch(patch)
            case ev.CursorArrived(cursor=cursor):
                self._on_cursor(cursor)
            case ev.ScreenSettled(sequence=sequence):
                self._picture.settled(sequence)
            case ev.SessionApproved():
                self._on_approved(event)
            case ev.SessionEnded():
                self._on_ended(event)
            case ev.PeerSilentFor(seconds=seconds):
                self._silent_at = self._running.clock() - seconds
                self._notify(se.Silence(seconds))
            case ev.PeerHeardAgain():
                self._silent_at = None
                self._notify(se.Silence(0.0))
            case _:
                shown = se.from_session(event)
                if shown is not None:
                    self._notify(shown)

    def _on_approved(self, event: ev.SessionApproved) -> None:
        session = self._session
        if session is None:
            return
        self._transfers = TechnicianTransfers(session, self._running, self._notify)
        self._spawn(self._tell_abilities(session))
        self._notify(
            se.Started(
                session.handshake.peer_name,
                self._target,
                event.grants,
                session.path_kind,
                session.path_why,
                event.width,
                event.height,
                event.verified,
                event.seconds,
            )
        )

    async def _tell_abilities(self, session: TechnicianSession) -> None:
        session.tell_abilities(await self._picture.load(), self._running.clock())
        self._running.poke()

    def _on_cursor(self, cursor: CursorPosition | CursorShape) -> None:
        self._notify(self._pointer.take(cursor))

    def _on_ended(self, event: ev.SessionEnded) -> None:
        session = self._session
        if session is None:
            return
        self._session = self._call = None
        if self._transfers is not None:
            self._spawn(self._transfers.close())
        started = session.started_at
        duration = 0.0
        if started is not None:
            duration = round(self._running.clock() - started, 1)
        # Ended by the customer: whatever a script still wanted to do was cut short.
        aborted = SessionAbortedError.exit_code if event.by_peer else 0
        self._notify(
            se.Ended(
                event.reason,
                told(event),
                duration,
                event.by_peer,
                aborted if event.reason == "ended" else EXIT_CODES[event.reason],
            )
        )

    # Pictures.

    def _on_frame(self, damage: list[Rect]) -> None:
        self._report.note_frame()
        height, width = self.framebuffer.shape[:2]
        generation = self._picture.generation
        self._notify(se.Frame(generation, width, height, tuple(damage)))

    def _on_broken_picture(self, why: str) -> None:
        """Start again from a key frame; give up on a side that keeps breaking."""
        _LOG.warning("bad screen update: %s", why)
        session, now = self._session, self._running.clock()
        if session is None:
            return
        self._breaks = [at for at in self._breaks if now - at < BREAKS_WINDOW]
        self._breaks.append(now)
        if len(self._breaks) > MAX_BREAKS:
            session.end(control.REASON_PROTOCOL, "", now)
        else:
            session.request_key_frame(now)
        self._running.poke()

    # Helpers of the above.

    def _active(self) -> TechnicianSession:
        if self._session is None or self._session.state is not State.ACTIVE:
            raise UsageError("There is no session.")
        return self._session

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
