"""Calls that this node has made and that have not become sessions yet."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from p2p_remote.crypto import handshake as hs
from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import (
    NetworkError,
    NoSuchPeerError,
    RemoteSupportError,
    ServerSilentError,
)
from p2p_remote.session.node_config import NodeConfig
from p2p_remote.session.node_events import CallAnswered, CallFailed
from p2p_remote.session.session import Random
from p2p_remote.traversal import registration_events as rv_events
from p2p_remote.traversal.registration import Registration
from p2p_remote.wire.address import Endpoint, Path, RelayPath


def _failure(reason: str) -> RemoteSupportError:
    """Tell what is not about the other side from what is."""
    if reason == rv_events.NO_SERVER:
        return ServerSilentError()
    if reason == rv_events.RATE_LIMITED:
        return NetworkError(
            "Too many calls in a short time. Wait a minute and try again."
        )
    return NoSuchPeerError()


@dataclass(frozen=True, slots=True)
class CallConnected:
    """The handshake of a call is complete."""

    call: int
    result: hs.HandshakeResult


@dataclass(slots=True)
class _Call:
    """One call; `channels` lead to who answers."""

    initiator: hs.Initiator
    rendezvous_call: int | None = None
    has_lan_path: bool = False
    is_looking: bool = False  # on the LAN
    failure: RemoteSupportError | None = None  # unless the LAN helps
    channels: list[RelayPath] = field(default_factory=list)
    answered: bool = False


class Calls:
    """All outgoing calls of a node: they share its registration."""

    def __init__(
        self,
        identity: Identity,
        config: NodeConfig,
        registration: Registration | None,
        random: Random,
    ) -> None:
        """Begin with none; name and wish of `config` are shown to who is called."""
        self._identity = identity
        self._config = config
        self._registration = registration
        self._random = random
        self._calls: dict[int, _Call] = {}
        self._next_number = 1
        self._events: deque[CallAnswered | CallFailed | CallConnected] = deque()

    @property
    def machines(self) -> list[Any]:
        """The handshakes, to be driven with the other machines of the node."""
        return [call.initiator for call in self._calls.values()]

    def call(
        self, target: int, lan: Iterable[Endpoint], password: bytes, now: float
    ) -> int:
        """Call an ID; returns the number of the call.

        Raises:
            NetworkError: there is neither a server nor an address on the LAN.

        """
        endpoints = tuple(lan)
        if self._registration is None and not endpoints:
            raise NetworkError(
                "This ID is not on the local network, and no rendezvous server is set."
            )
        options = hs.CallOptions(
            password=password,
            name=self._config.name,
            wanted=self._config.wanted | hs.WANTED_HEARS,
        )
        initiator = hs.Initiator(self._identity, target, self._random, now, options)
        call = _Call(initiator, has_lan_path=bool(endpoints))
        number = self._next_number
        self._next_number += 1
        self._calls[number] = call
        for endpoint in endpoints:
            initiator.add_path(endpoint, padded=True)
        if self._registration is not None:
            call.rendezvous_call = self._registration.call(
                target, initiator.first_message(), now
            )
        return number

    def look_on_lan(self, number: int) -> None:
        """A search on the LAN begins: until `found_on_lan` the call does not fail."""
        if number in self._calls:
            self._calls[number].is_looking = True

    def found_on_lan(self, number: int, endpoints: Iterable[Endpoint]) -> None:
        """The search on the LAN is over; these are addresses of who is called."""
        call = self._calls.get(number)
        if call is None:
            return
        call.is_looking = False
        for endpoint in endpoints:
            call.has_lan_path = True
            call.initiator.add_path(endpoint, padded=True)
        if call.failure is not None and not call.has_lan_path:
            self._fail(number, call.failure)

    def cancel(self, number: int, now: float) -> None:
        """Give up a call and its relay channels."""
        call = self._calls.pop(number, None)
        if call is None or self._registration is None:
            return
        if call.rendezvous_call is not None:
            self._registration.cancel(call.rendezvous_call)
        for channel in call.channels:
            self._registration.hang_up(channel, now)

    def on_accepted(self, rendezvous_call: int, path: RelayPath) -> None:
        """The rendezvous rings the other side; this channel leads there."""
        for call in self._calls.values():
            if call.rendezvous_call == rendezvous_call:
                call.channels.append(path)
                call.initiator.add_path(path, padded=False)

    def on_failed(self, rendezvous_call: int, reason: str) -> None:
        """The rendezvous cannot help; an address on the LAN may still answer."""
        for number, call in list(self._calls.items()):
            if call.rendezvous_call != rendezvous_call or call.answered:
                continue
            call.rendezvous_call = None
            if call.has_lan_path:
                continue
            error = _failure(reason)
            if call.is_looking:
                call.failure = error
            else:
                self._fail(number, error)

    def _fail(self, number: int, error: RemoteSupportError) -> None:
        del self._calls[number]
        self._events.append(CallFailed(number, error))

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Offer an answer to all calls; each knows its own."""
        for call in list(self._calls.values()):
            call.initiator.receive_datagram(data, path, now)

    def next_event(
        self, now: float
    ) -> CallAnswered | CallFailed | CallConnected | None:
        """Drain what has happened to the calls."""
        for number, call in list(self._calls.items()):
            while (event := call.initiator.next_event()) is not None:
                self._on_event(number, call, event, now)
        return self._events.popleft() if self._events else None

    def _on_event(
        self, number: int, call: _Call, event: hs.InitiatorEvent, now: float
    ) -> None:
        match event:
            case hs.PeerAnswered():
                call.answered = True
                self._events.append(CallAnswered(number))
            case hs.HandshakeComplete(result=result):
                del self._calls[number]
                self._events.append(CallConnected(number, result))
            case hs.HandshakeFailed(error=error):
                self.cancel(number, now)
                self._events.append(CallFailed(number, error))
