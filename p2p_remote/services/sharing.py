"""A session while it is active, on the customer's side: pictures out, input in."""

import asyncio
import logging
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from p2p_remote.desktop.base import HOTKEY_END
from p2p_remote.errors import (
    MissingCapabilityError,
    RefusedError,
    RemoteSupportError,
)
from p2p_remote.services import denials
from p2p_remote.services import events as se
from p2p_remote.services.answer_time import ANSWER_SECONDS, AnswerTime
from p2p_remote.services.customer_transfers import CustomerTransfers
from p2p_remote.services.desk import Desk
from p2p_remote.services.injector import Injector
from p2p_remote.services.running_node import RunningNode
from p2p_remote.services.screen_sender import ScreenSender
from p2p_remote.session import events as ev
from p2p_remote.session import file_events as fe
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.permissions import FREEZE_MARGIN
from p2p_remote.session.roles import State
from p2p_remote.wire import control

_LOG = logging.getLogger(__name__)
ASK_AGAIN_AFTER = 60  # s that a permission is not asked for again after a no
LOCAL_INPUT_PAUSE = 1.0  # s that the customer's own mouse and keys win


class Sharing:
    """Runs one approved session; `close` leaves nothing held and nothing running."""

    def __init__(
        self,
        session: CustomerSession,
        desk: Desk,
        running: RunningNode,
        notify: Callable[[se.ServiceEvent], None],
        downloads: Path,
    ) -> None:
        """Start sending the screen and taking input; files go to `downloads`."""
        self._session = session
        self._running = running
        self._notify = notify
        self._loop = asyncio.get_running_loop()
        self._asked: str | None = None
        self._asked_file: se.FileFacts | None = None
        self._files = CustomerTransfers(
            session, running, notify, downloads, self._on_asked
        )
        self._desk = desk
        self._revoked_by = "customer"
        self._declined_at: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()  # refusals that the person knows of
        self._freezing: asyncio.TimerHandle | None = None  # before a question
        self._answer_time: AnswerTime | None = None
        self._pause_timer: asyncio.TimerHandle | None = None
        self._told_paused = False
        self._injector: Injector | None = None
        if desk.sink is not None:
            self._injector = Injector(
                desk.sink,
                session.grants,
                running.clock,
                desk,
                self._on_sink_failed,
            )
        self._sender = ScreenSender(
            session, desk.open_source(), desk.reopen_source, running.clock, running.poke
        )
        desk.listeners.append(self._on_shared)
        self._tell_shared(desk.shared)
        self._task = self._loop.create_task(self._send_screen())

    async def close(self) -> None:
        """Stop everything; keys and buttons are released when this returns."""
        injector = self._injector
        self.stop_now()
        self._task.cancel()
        await self._files.close()
        await asyncio.gather(self._task, return_exceptions=True)
        if injector is not None:
            await asyncio.to_thread(injector.join)

    def stop_now(self) -> None:
        """Let go of the input side at once; the session has ended."""
        for timer in (self._freezing, self._answer_time, self._pause_timer):
            if timer is not None:
                timer.cancel()
        if self._injector is not None:
            self._injector.finish()
        if self._on_shared in self._desk.listeners:
            self._desk.listeners.remove(self._on_shared)

    # Any thread.

    def _on_shared(self, shared: se.Shared) -> None:
        self._loop.call_soon_threadsafe(self._tell_shared, shared)

    def on_hotkey(self, what: str) -> None:
        """Take control back here and now; then let the loop tell the others."""
        session, injector = self._session, self._injector
        if what == "local_input":
            self._on_local_input()
            return
        had = session.grants.take_back(everything=what == HOTKEY_END)
        if injector is not None:
            injector.stop()
        if had:
            self._loop.call_soon_threadsafe(self.announce, what)

    def _on_local_input(self) -> None:
        now = self._running.clock()
        if not self._session.grants.allowed("control", now):
            return
        self._session.grants.pause_input(now + LOCAL_INPUT_PAUSE)
        if self._injector is not None:
            self._injector.stop()
        self._loop.call_soon_threadsafe(self._announce_pause)

    def _on_sink_failed(self, error: RemoteSupportError) -> None:
        self._loop.call_soon_threadsafe(self._fail, error)

    # Decisions of the customer.

    def grant(self, permission: str) -> None:
        """Grant one more permission.

        Raises:
            RefusedError: the technician is not verified, or the stop key is dead.
            UsageError: unknown permission.

        """
        if permission == "control" and self._desk.is_hotkey_lost:
            if self._asked == permission:
                self._decline(permission, denials.NO_HOTKEY)
            raise RefusedError(
                "F11 is no longer heard on this machine, so nobody may control it. "
                "Start p2p-remote again."
            )
        self._session.grant(permission, self._running.clock())
        self._files.granted(permission)
        self._answered(permission)

    def answer_file(self, number: int, *, allow: bool) -> None:
        """Let one file through that was asked about, or stop it wherever it is.

        Raises:
            UsageError: there is no such transfer, or it waits for no answer.

        """
        if not allow:
            self._files.stop(number)
            return
        self._files.allow(number)
        if self._asked_file is not None and self._asked_file.number == number:
            self._answered(self._asked or "")

    def decline(self, permission: str) -> None:
        """Answer no to what was asked for; asking again is not heard for a while."""
        self._declined_at[permission] = self._running.clock()
        self._told.discard((permission, denials.TOO_SOON))
        self._decline(permission, denials.BY_PERSON)

    def let_ask_again(self) -> bool:
        """Forget a recent no, so that they may ask again; False: there is none."""
        now = self._running.clock()
        recent = [each for each in self._declined_at if self._wait(each, now)]
        self._declined_at.clear()
        return bool(recent)

    def _wait(self, permission: str, now: float) -> int:
        """Seconds until this may be asked for again after a no, 0 if it may."""
        declined = self._declined_at.get(permission, float("-inf"))
        return math.ceil(max(declined + ASK_AGAIN_AFTER - now, 0.0))

    def _decline(self, permission: str, why: str) -> None:
        """Refuse (`wire.denials....`), and tell both sides the true reason."""
        now = self._running.clock()
        wait = self._wait(permission, now)
        self._session.decline(permission, now)
        self._files.decline(permission, why)
        self._answered(permission)
        if (permission, why) not in self._told:
            self._notify(se.GrantChanged(permission, granted=False, why=why, wait=wait))

    def revoke(self, permission: str) -> None:
        """Take a permission back; it is gone when this returns."""
        self._session.revoke(permission, self._running.clock())
        self._files.withdraw(permission)
        if self._injector is not None and permission == "control":
            self._injector.stop()

    # Events of the session.

    def on_event(self, event: ev.SessionEvent) -> None:
        """Take an event of the session while it is active."""
        if isinstance(event, fe.FileEvent):
            self._files.on_event(event)
            if isinstance(event, fe.FileStopped):
                self._forget_file(event.number)
        else:
            self._on_other_event(event)

    def _on_other_event(self, event: ev.SessionEvent) -> None:
        match event:
            case ev.InputArrived(message=message):
                self._sender.note_input(message)
                if self._injector is not None:
                    self._injector.submit(message)
            case (
                ev.RoomForScreen()
                | ev.KeyFrameAsked()
                | ev.ViewportAsked()
                | ev.AbilitiesTold()
            ):
                self._steer_screen(event)
            case ev.PermissionsRevoked(permissions=permissions):
                self._notify(se.Revoked(permissions, self._revoked_by))
                self._revoked_by = "customer"
            case ev.PermissionAsked(permission=permission):
                self._on_asked(permission)
            case ev.PeerSilentFor(seconds=seconds):
                if self._injector is not None:
                    self._injector.stop()
                self._notify(se.Silence(seconds))
            case _:
                if isinstance(event, ev.PathChanged):
                    self._sender.room_available()  # it may be another line
                shown = se.from_session(event)
                if shown is not None:
                    self._notify(shown)

    def _steer_screen(self, event: ev.SessionEvent) -> None:
        """What line and technician want of the picture."""
        match event:
            case ev.RoomForScreen():
                self._sender.room_available()
            case ev.KeyFrameAsked():
                self._sender.request_key_frame()
            case ev.ViewportAsked(viewport=viewport):
                self._sender.look_at(viewport)
            case ev.AbilitiesTold(bits=bits):
                self._sender.take_abilities(
                    jpeg=bool(bits & control.ABILITY_JPEG),
                    vp8=bool(bits & control.ABILITY_VP8),
                )
            case _:
                pass

    def _on_asked(self, permission: str, file: se.FileFacts | None = None) -> None:
        now = self._running.clock()
        if self._asked is not None:
            return  # files wait for their turn; for the rest, asking once more is free
        refusal = self._refusal(permission, now)
        if refusal is not None:
            self._decline(permission, refusal)
            self._told.add((permission, refusal))  # once, not at each try
            return
        self._asked, self._asked_file = permission, file
        self._session.grants.freeze_input()
        self._tell_paused()
        if self._injector is not None:
            self._injector.stop()
        # Nothing that was injected before may answer the question.
        self._freezing = self._loop.call_later(
            FREEZE_MARGIN, self._show_question, permission
        )

    def _refusal(self, permission: str, now: float) -> str | None:
        """Why the person is not to be asked (`wire.denials....`), if so."""
        if not self._session.verified:
            return denials.NOT_VERIFIED
        if self._desk.is_hotkey_lost:
            return denials.NO_HOTKEY
        return denials.TOO_SOON if self._wait(permission, now) else None

    def _show_question(self, permission: str) -> None:
        self._notify(se.Asked(permission, ANSWER_SECONDS, self._asked_file))
        self._answer_time = AnswerTime(
            partial(self._decline_unanswered, permission),
            lambda left: self._notify(se.MoreTime(left, permission=permission)),
        )

    def is_there(self) -> None:
        """The person does something about the question: give them time."""
        if self._answer_time is not None:
            self._answer_time.extend()

    def _decline_unanswered(self, permission: str) -> None:
        if self._asked == permission and self._session.state is State.ACTIVE:
            self._declined_at[permission] = self._running.clock()
            self._decline(permission, denials.UNANSWERED)
            self._running.poke()

    def _forget_file(self, number: int) -> None:
        """Take back the question about a file that has gone."""
        asked, file = self._asked, self._asked_file
        if asked is not None and file is not None and file.number == number:
            self._notify(se.AskedNoMore(asked))
            self._answered(asked)

    def _answered(self, permission: str) -> None:
        if self._asked != permission:
            return
        self._asked = self._asked_file = None
        for timer in (self._freezing, self._answer_time):
            if timer is not None:
                timer.cancel()
        self._session.grants.thaw_input(self._running.clock())
        self._loop.call_later(FREEZE_MARGIN, self._tell_paused)
        self._files.ask_next()

    def announce(self, what: str) -> None:
        """Tell both sides what a key has already brought about."""
        now = self._running.clock()
        if what == HOTKEY_END:
            text = "The customer ended the session."
            self._session.end(control.REASON_ENDED, text, now)
        else:
            self._session.grants.revoke("control")
            self._revoked_by = "F11"
            number = control.PERMISSIONS.index("control")
            self._session.announce_revoked(("control",), number, now)
        self._running.poke()

    def _tell_shared(self, shared: se.Shared) -> None:
        """Tell the technician what can be seen; nothing held stays held elsewhere."""
        if self._injector is not None:
            self._injector.stop()
        size = (shared.width, shared.height)
        now = self._running.clock()
        self._session.tell_shared(shared.what, shared.names, size, now)
        self._running.poke()

    def _announce_pause(self) -> None:
        if self._session.state is not State.ACTIVE:
            return
        if self._pause_timer is None:
            self._notify(se.ControlPaused(paused=True))
        else:
            self._pause_timer.cancel()
        self._pause_timer = self._loop.call_later(
            LOCAL_INPUT_PAUSE, self._announce_resume
        )
        self._tell_paused()

    def _announce_resume(self) -> None:
        self._pause_timer = None
        self._notify(se.ControlPaused(paused=False))
        self._tell_paused()

    def _tell_paused(self) -> None:
        """Tell the technician when control begins or ceases to be without effect.

        The customer's own input wins, or a question is open, which nothing injected
        may answer.
        """
        now = self._running.clock()
        asking = self._asked is not None
        asking = asking and self._session.grants.allowed("control", now)
        paused = asking or self._pause_timer is not None
        if paused != self._told_paused:
            self._told_paused = paused
            self._session.pause_control(paused=paused, now=now)
            self._running.poke()

    async def _send_screen(self) -> None:
        try:
            await self._sender.run()
        except RemoteSupportError as error:
            self._fail(error)
        except Exception:  # noqa: BLE001 -- a session without a picture must end
            _LOG.exception("the screen cannot be sent")
            self._fail(MissingCapabilityError("The screen cannot be sent any more."))

    def _fail(self, error: RemoteSupportError) -> None:
        _LOG.warning("%s", error)
        self._session.end(control.REASON_CAPABILITY, str(error), self._running.clock())
        self._running.poke()
