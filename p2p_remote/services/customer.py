"""The customer's side: be reachable, ask, share, and stop at once when told to."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from p2p_remote.crypto.identity import Identity
from p2p_remote.desktop.base import HOTKEY_END, LOCAL_INPUT
from p2p_remote.errors import StateError, UsageError
from p2p_remote.services import events as se
from p2p_remote.services import notices
from p2p_remote.services.answer_time import AnswerTime
from p2p_remote.services.desk import HOTKEY_LOST, Desk
from p2p_remote.services.exit_codes import EXIT_CODES, told
from p2p_remote.services.held_back import HeldBackCalls
from p2p_remote.services.requests import allowed, request_of
from p2p_remote.services.running_node import NodeOptions, RunningNode
from p2p_remote.services.sharing import Sharing
from p2p_remote.session import events as ev
from p2p_remote.session import node_events as nd
from p2p_remote.session.customer import DEFAULT_SECONDS, CustomerSession
from p2p_remote.session.roles import State
from p2p_remote.store.known_peers import KnownPeer, KnownPeers
from p2p_remote.wire import control


class CustomerService:
    """One customer: one screen, at most one request or session at a time."""

    def __init__(
        self,
        options: NodeOptions,
        known_peers: KnownPeers,
        keep_identity: Callable[[Identity], None],
        notify: Callable[[se.ServiceEvent], None],
        downloads: Path,
    ) -> None:
        """Nothing happens before `start`; `notify` is called on the loop.

        Files go to `downloads`; `keep_identity` saves the next ID if ours is taken.
        """
        self._options = replace(
            options, listed=True, known=lambda key: known_peers.find(key) is not None
        )
        self._running = RunningNode(self._options)
        self._known = known_peers
        self._keep_identity = keep_identity
        self._notify = notify
        self._downloads = downloads
        self._desk: Desk
        self._loop: asyncio.AbstractEventLoop
        self._tasks: set[asyncio.Task[None]] = set()
        self._caller: nd.CallerArrived | None = None
        self._caller_id = 0
        self._held: list[ev.SessionEvent] | None = None  # until the question is shown
        self._session: CustomerSession | None = None
        self._sharing: Sharing | None = None
        self._answer_time: AnswerTime | None = None
        self._held_back = HeldBackCalls(notify)
        self._early_key = ""  # F11 or F12, pressed before there was a `Sharing`

    # Life.

    async def start(self, desk: Desk) -> None:
        """Be reachable.

        Raises:
            NetworkError: no network, or the server's name is unknown.

        """
        self._loop = asyncio.get_running_loop()
        self._desk = desk
        desk.start_hotkey(self._on_hotkey)
        await self._running.start(self._on_node_event)
        if self._options.server is None:
            self._ready(rendezvous=False)

    async def close(self) -> None:
        """End the session and leave; when this returns, access is over."""
        sharing = self._sharing
        self._held_back.close()
        self.end()
        if sharing is not None:
            await sharing.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._running.close()
        self._desk.close()

    # What the customer decides.

    def approve(
        self,
        permissions: Sequence[str],
        digits: str = "",
        seconds: int = DEFAULT_SECONDS,
        request: int | None = None,
    ) -> bool:
        """Answer the request with yes; False if the digits were wrong.

        Without digits, and for a technician who is not known, nothing but looking is
        allowed, whatever was asked for. Without any permission they may ask about
        files. With `request`, the number of the question that was shown, a caller
        who has come since is never let in by mistake.

        Raises:
            UsageError: nobody is waiting, or an unknown permission.
            MissingCapabilityError: the screen is gone.
            RefusedError: files need digits.

        """
        session = self._session
        self._require_open(request)
        if session is None or session.state is not State.WAITING_FOR_APPROVAL:
            raise UsageError("There is no request that waits for an answer.")
        source = self._desk.open_source()
        now = self._running.clock()
        if digits and not session.check_digits(digits, now):
            self._notify(se.WrongDigits(session.tries_left))
            self.is_there()
            self._running.poke()
            return False
        given = allowed(permissions, session.verified, self._desk.is_hotkey_lost)
        session.approve(given, (source.width, source.height), now, seconds=seconds)
        self._running.poke()
        return True

    def is_there(self, request: int | None = None) -> None:
        """The person does something about what is asked: give them time."""
        self._require_open(request)
        if self._sharing is not None:
            self._sharing.is_there()
        elif self._answer_time is not None:
            self._answer_time.extend()

    def deny(self, request: int | None = None) -> None:
        """Answer the request with no.

        Raises:
            UsageError: another request is open than the one meant.

        """
        self._require_open(request)
        self._finish(control.REASON_DENIED, "The customer said no.")

    def grant(self, permission: str) -> None:
        """Grant one more permission.

        Raises:
            RemoteSupportError: no session, unknown, or not verified.

        """
        self._active().grant(permission)
        self._running.poke()

    def decline(self, permission: str) -> None:
        """Answer no to a request for a permission."""
        self._active().decline(permission)
        self._running.poke()

    def let_ask_again(self) -> bool:
        """Let them ask again for what was just refused; False if nothing was."""
        return self._sharing is not None and self._sharing.let_ask_again()

    def revoke(self, permission: str) -> None:
        """Take a permission back; it is gone when this returns."""
        self._active().revoke(permission)
        self._running.poke()

    def answer_file(self, number: int, *, allow: bool) -> None:
        """Let one file through that was asked about, or stop it wherever it is.

        Raises:
            UsageError: no session, no such transfer, or it waits for no answer.

        """
        self._active().answer_file(number, allow=allow)
        self._running.poke()

    def remember(self) -> None:
        """Know this technician the next time, without digits (but not without a yes).

        Raises:
            UsageError: no session, or nobody vouched for the technician.

        """
        session, caller = self._session, self._caller
        if session is None or caller is None or session.state is not State.ACTIVE:
            raise UsageError("There is no session.")
        if not session.verified:
            raise UsageError("Only a technician whose digits were right can be known.")
        self._spawn(self._remember(caller, self._caller_id))

    def end(self) -> None:
        """End the session, or refuse the request."""
        self._finish(control.REASON_ENDED, "The customer ended the session.")

    # Events.

    def _on_hotkey(self, what: str) -> None:
        """Any thread: an active session takes it from here."""
        if what == HOTKEY_LOST:
            lost = se.Trouble(notices.HOTKEY_IS_LOST)
            self._loop.call_soon_threadsafe(self._notify, lost)
        session, sharing = self._session, self._sharing
        if sharing is not None:
            sharing.on_hotkey(what)
        elif (
            session is not None  # approved this instant: what runs it is not there yet
            and what != LOCAL_INPUT
            and session.grants.take_back(everything=what == HOTKEY_END)
        ):
            self._loop.call_soon_threadsafe(self._announce_early_key, what)

    def _announce_early_key(self, what: str) -> None:
        if self._sharing is not None:
            self._sharing.announce(what)
        elif self._session is not None:
            self._early_key = what

    def _on_node_event(self, event: nd.NodeEvent) -> None:
        match event:
            case nd.NodeRegistered():
                self._ready(rendezvous=True)
            case nd.NodeUnregistered():
                if self._options.lan:
                    self._ready(rendezvous=False)  # whether it was ready before or not
                silent = notices.SERVER_SILENT
                self._notify(se.Trouble(self._running.proxy_trouble or silent))
            case nd.NodeIdTaken():
                self._spawn(self._on_id_taken(event))
            case nd.CallerArrived():
                self._on_caller(event)
            case nd.CallHeldBack():
                self._held_back.note(event)
            case nd.CallerGone(handle=handle):
                self._on_caller_gone(handle)
            case nd.SessionOpened(session=CustomerSession() as session):
                self._on_opened(event.handle, session)
            case nd.SessionHappened(event=happened) if event.session is self._session:
                self._on_session_event(happened)
            case _:
                pass

    def _ready(self, *, rendezvous: bool) -> None:
        number = self._running.identity.peer_id
        self._notify(se.Ready(number, rendezvous, self._options.lan))

    def _on_caller(self, caller: nd.CallerArrived) -> None:
        """Let the call ring, and show the request as soon as the ID is computed.

        Whoever gets digits by that is shown in any case: `_held` waits for it.
        """
        now, node = self._running.clock(), self._running.node
        if self._caller is not None or self._session is not None:
            node.refuse_busy(caller.handle, now)
        else:
            known = self._known.find(caller.public)
            self._caller, self._held = caller, []
            self._spawn(self._ask(caller, known))
            node.release(caller.handle, now, known=known is not None)
        self._running.poke()

    async def _ask(self, caller: nd.CallerArrived, known: KnownPeer | None) -> None:
        number = 0 if known is None else known.peer_id
        try:
            if known is None:
                number = await self._running.derive(caller.public, caller.counter)
        except RuntimeError:
            self._give_up(caller)
            return
        if self._caller is not caller:
            return
        self._caller_id = number
        self._notify(request_of(caller, number, known))
        held, self._held = self._held or [], None
        for event in held:
            self._on_session_event(event)

    def _give_up(self, caller: nd.CallerArrived) -> None:
        """End the request of a caller whose ID cannot be computed."""
        if self._caller is not caller:
            return  # has gone; the place may be another's
        held, self._held = self._held or [], None
        if self._session is None:
            self._caller = None
            self._notify(se.Trouble(notices.NO_MEMORY))
        self._finish(control.REASON_CAPABILITY, "There is too little memory here.")
        for event in held:
            self._on_session_event(event)

    def _on_caller_gone(self, handle: int) -> None:
        if self._caller is None or self._caller.handle != handle:
            return
        held, self._caller, self._held = self._held, None, None
        if held is None:  # the question is shown
            reason = control.REASONS[control.REASON_CONNECTION_LOST]
            text = "The caller has gone."
            self._notify(se.Ended(reason, text, 0.0, True, EXIT_CODES[reason]))

    async def _on_id_taken(self, event: nd.NodeIdTaken) -> None:
        """Another key has our ID: take the next one, if that is really so."""
        own = self._running.identity
        if await self._running.derive(event.public, event.counter) != own.peer_id:
            return
        following = await asyncio.to_thread(own.next_id)
        self._keep_identity(following)
        self._notify(se.Trouble(notices.ID_TAKEN))

    def _on_opened(self, handle: int, session: CustomerSession) -> None:
        if self._caller is None or self._caller.handle != handle:
            text = "The customer is busy with another request."
            session.end(control.REASON_BUSY, text, self._running.clock())
            self._running.poke()
            return
        self._session = session
        late = control.REASON_TIMED_OUT, "The customer did not answer in time."
        self._answer_time = AnswerTime(
            partial(self._finish, *late),
            lambda left: self._notify(se.MoreTime(left, handle)),
        )

    def _on_session_event(self, event: ev.SessionEvent) -> None:
        if self._held is not None:
            self._held.append(event)
        elif isinstance(event, ev.SessionApproved):
            self._on_started(event)
        elif isinstance(event, ev.SessionEnded):
            self._on_ended(event)
        elif self._sharing is not None:
            self._sharing.on_event(event)

    def _on_started(self, event: ev.SessionApproved) -> None:
        session = self._session
        if session is None or self._caller is None:
            return
        if self._answer_time is not None:
            self._answer_time.cancel()
        self._sharing = Sharing(
            session, self._desk, self._running, self._notify, self._downloads
        )
        peer = self._caller.name, self._caller_id
        path = session.path_kind, session.path_why
        size, is_known = (event.width, event.height), event.verified
        started = se.Started(*peer, event.grants, *path, *size, is_known, event.seconds)
        self._notify(started)
        if self._early_key:
            self._sharing.announce(self._early_key)

    def _on_ended(self, event: ev.SessionEnded) -> None:
        session, sharing = self._session, self._sharing
        if session is None:
            return
        self._session = self._sharing = self._caller = None
        self._early_key = ""
        if self._answer_time is not None:
            self._answer_time.cancel()
        if sharing is not None:
            sharing.stop_now()
            self._spawn(sharing.close())
        started = session.started_at
        duration = 0.0 if started is None else self._running.clock() - started
        code, text = EXIT_CODES[event.reason], told(event)
        ended = event.reason, text, round(duration, 1), event.by_peer, code
        self._notify(se.Ended(*ended))

    # Helpers of the above.

    def _active(self) -> Sharing:
        if self._sharing is None:
            raise UsageError("There is no session.")
        return self._sharing

    def _finish(self, reason: int, text: str) -> None:
        if self._session is not None:
            self._session.end(reason, text, self._running.clock())
            self._running.poke()

    def _require_open(self, request: int | None) -> None:
        if self._held is not None:
            raise UsageError("There is no request that waits for an answer.")
        number = None if self._caller is None else self._caller.handle
        if request not in (None, number):
            raise UsageError("That request is over.")

    async def _remember(self, caller: nd.CallerArrived, peer_id: int) -> None:
        who = peer_id, caller.public, caller.name
        try:
            await asyncio.to_thread(self._known.meet, *who)
        except StateError as error:
            self._notify(se.Trouble(f"{error} They will be asked for digits again."))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
