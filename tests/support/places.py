"""Places where a computer may stand: the kinds of networks of the pair matrix.

    host = place(network, "cgn", public="198.51.100.10", delay=0.0075)

The kinds are those that people have: see `KINDS`. A kind may be followed by `+reject`
(the router answers what nobody asked for and remembers it) or `+hairpin`.
"""

from tests.support.nat import Dependence, Firewall, Nat, PortChoice
from tests.support.network import Datagram, Host, Line, Network, Site

_ANY = Dependence.ENDPOINT_INDEPENDENT
_HOST = Dependence.ADDRESS
_BOTH = Dependence.ADDRESS_AND_PORT

_NATS = {
    "fullcone": (_ANY, _ANY, PortChoice.PRESERVE),
    "addrrest": (_ANY, _HOST, PortChoice.PRESERVE),
    "portrest": (_ANY, _BOTH, PortChoice.PRESERVE),
    "eim": (_ANY, _BOTH, PortChoice.RANDOM),
    "symaddr": (_HOST, _BOTH, PortChoice.RANDOM),
    "symseq": (_BOTH, _BOTH, PortChoice.SEQUENTIAL),
    "symskip": (_BOTH, _BOTH, PortChoice.SKIPPING),
    "symblock": (_BOTH, _BOTH, PortChoice.BLOCK),
    "symrandom": (_BOTH, _BOTH, PortChoice.RANDOM),
}
CARRIERS = {"cgn": "eim", "cgnblock": "symblock", "cgnsym": "symrandom"}
KINDS = {
    "none": "a public address, no filter",
    "fw": "a public address behind a stateful firewall",
    "fullcone": "EIM, endpoint-independent filter, port kept",
    "addrrest": "EIM, address-dependent filter, port kept",
    "portrest": "EIM, address-and-port-dependent filter, port kept",
    "eim": "EIM, address-and-port-dependent filter, another port",
    "symaddr": "address-dependent mapping, random port",
    "symseq": "address-and-port-dependent mapping, ports in sequence",
    "symskip": "the same, other clients take ports in between (1 to 8)",
    "symblock": "the same, random in a block of 512",
    "symrandom": "the same, random over all ports",
    "cgn": "a portrest router behind a carrier's eim",
    "cgnblock": "a portrest router behind a carrier's symblock",
    "cgnsym": "a portrest router behind a carrier's symrandom",
    "udp443": "portrest; UDP only to remote port 443, TCP free",
    "noudp": "portrest; no UDP at all, TCP free",
    "tcp443": "portrest; no UDP at all, TCP only to remote port 443",
}
_EVERY_PORT = range(65_536)
_ALLOWED = {
    "udp443": (range(443, 444), _EVERY_PORT),
    "noudp": (range(0), _EVERY_PORT),
    "tcp443": (range(0), range(443, 444)),
}


class PortFilter:
    """Lets UDP and TCP out to some remote ports only, and their answers in."""

    def __init__(self, udp: range, tcp: range, inner: Nat) -> None:
        """`udp`, `tcp`: the remote ports that may be reached."""
        self.udp = udp
        self.tcp = tcp
        self.inner = inner

    def outgoing(self, datagram: Datagram, now: float) -> tuple[Datagram, ...]:
        """Drop what goes to other ports."""
        allowed = self.udp if datagram.segment is None else self.tcp
        if datagram.destination.port not in allowed:
            return ()
        return tuple(self.inner.outgoing(datagram, now))

    def rebind(self) -> None:
        """Let the router forget what it knows."""
        self.inner.rebind()

    def incoming(self, datagram: Datagram, now: float) -> tuple[Datagram, ...]:
        """Let in what the router lets in."""
        return tuple(self.inner.incoming(datagram, now))


def router(kind: str, public: str, *, seed: int = 1) -> Nat | Firewall | PortFilter:
    """Middlebox of one router; `kind` may carry modifiers."""
    base, *modifiers = kind.split("+")
    if base == "fw":
        return Firewall()
    if base in _ALLOWED:
        return PortFilter(*_ALLOWED[base], Nat(public, seed=seed))
    mapping, filtering, ports = _NATS[base]
    return Nat(
        public,
        mapping,
        filtering,
        ports,
        hairpin="hairpin" in modifiers,
        spoils="reject" in modifiers,
        seed=seed,
    )


def place(
    network: Network,
    kind: str,
    public: str,
    *,
    delay: float = 0.0,
    loss: float = 0.0,
    seed: int = 1,
) -> Host:
    """Host at a place of this kind; `delay` s each way to the middle of the internet.

    Private addresses are the same everywhere, as in life.
    """
    up, down = Line(delay=delay, loss=loss), Line(delay=delay, loss=loss)
    base, *modifiers = kind.split("+")
    if base == "none":
        return network.host(public, up=up, down=down)
    suffix = "".join(f"+{each}" for each in modifiers)
    outer: Site = network
    address = public
    if base in CARRIERS:
        carrier = router(CARRIERS[base] + suffix, public, seed=seed)
        outer = network.site(public, middlebox=carrier, up=up, down=down)
        up = down = Line()
        base, address = "portrest", "100.64.0.10"
    box = router(base + suffix, address, seed=seed)
    home = outer.site(address, middlebox=box, up=up, down=down)
    return home.host(public if base == "fw" else "192.168.1.10")
