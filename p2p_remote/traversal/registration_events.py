"""What a `Registration` reports."""

from dataclasses import dataclass

from p2p_remote.wire.address import Endpoint, RelayPath, TcpEndpoint, TlsEndpoint

UNAVAILABLE = "unavailable"  # unknown, offline or blocked: the server does not say
RATE_LIMITED = "rate_limited"
NO_SERVER = "server"  # the rendezvous server has not answered
TIMED_OUT = "timeout"  # the lease has run out without an answer


@dataclass(frozen=True, slots=True)
class Registered:
    """The server knows us, at `reflexive`. Comes again when that changes.

    `carrier` is the way to the server in use: a `TcpEndpoint` where no UDP gets
    through, and `reflexive` then belongs to that connection.
    """

    reflexive: Endpoint
    peer_id: int
    carrier: Endpoint

    @property
    def candidate(self) -> Endpoint | None:
        """Where a peer may reach us, by the protocol of the carrier.

        None by a covered way: its port is no other connection's, and perhaps a proxy's.
        """
        if isinstance(self.carrier, TlsEndpoint):
            return None
        if isinstance(self.carrier, TcpEndpoint):
            return TcpEndpoint(self.reflexive.host, self.reflexive.port)
        return self.reflexive


@dataclass(frozen=True, slots=True)
class RegistrationLost:
    """The server has not answered for so long that it has forgotten us.

    Registering goes on by itself; `Registered` follows when it works again.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class IdTaken:
    """Another key holds our ID; registering has stopped.

    Take the next ID only if `derive_id(public, counter)` is `peer_id`: anybody on the
    way to the server could have sent this.
    """

    peer_id: int
    public: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class CallAccepted:
    """The callee is being rung; `path` leads to it."""

    call: int
    path: RelayPath


@dataclass(frozen=True, slots=True)
class CallFailed:
    """The call has come to nothing: "unavailable", "rate_limited" or "server".

    `retry_after` in s is not 0 if the server limits our calls. It may come after
    `CallAccepted` when nobody has answered at the other end.
    """

    call: int
    reason: str
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Rung:
    """Somebody calls; `first_message` is theirs (handshake M1, 119 bytes)."""

    path: RelayPath
    first_message: bytes


@dataclass(frozen=True, slots=True)
class Punch:
    """The other end of `path` was seen at `endpoints`; the callee has agreed."""

    path: RelayPath
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Rejoined:
    """`path` leads to who else has shown `token`; it was seen at `endpoint`."""

    token: bytes
    path: RelayPath
    endpoint: Endpoint


RegistrationEvent = (
    Registered
    | RegistrationLost
    | IdTaken
    | CallAccepted
    | CallFailed
    | Rung
    | Punch
    | Rejoined
)
