"""Routers of every kind as nftables rules (in the words of RFC 4787).

A router has one interface `wan`; its others, `lan...`, lead to hosts inside. What a
kind does is in `tests.support.places.KINDS`, which the simulated network shares.
Here alone: `proxyonly` (nothing is forwarded; a proxy has to run on the router) and
`tlsonly` (no UDP; `tests.support.tls_gate` on the router is given all TCP).
Modifiers: `+reject` (the router itself answers what nobody asked for, and the kernel
remembers that exchange), `+hairpin` (what is sent to the own public address comes back
in), `+short` (mappings die after eight seconds without traffic).
"""

import random
from dataclasses import dataclass

PORTS = 8192  # ports that a hash is spread over
FIRST_PORT = 20_000
BLOCK_LENGTH = 512
TLS_GATE_PORT = 8443
SHORT_LIFE = 8  # s
LIFE = 300  # s
CARRIERS = {"cgn": "eim", "cgnblock": "symblock", "cgnsym": "symrandom"}
MODIFIERS = frozenset({"reject", "hairpin", "short"})
KINDS = frozenset(
    {
        *("none", "fw", "fullcone", "addrrest", "portrest", "eim", "eimfull"),
        *("symaddr", "symseq", "symskip", "symblock", "symrandom"),
        *CARRIERS,
        *("noudp", "udp443", "tcp443", "proxyonly", "tlsonly"),
    }
)
# What of a flow the hash that chooses its public port depends on.
_HASHED = {
    "eim": "ip saddr . th sport",
    "eimfull": "ip saddr . th sport",
    "symaddr": "ip saddr . th sport . ip daddr",
}
_KEEPS_PORTS = frozenset(
    {
        *("fullcone", "addrrest", "portrest"),
        *("noudp", "udp443", "tcp443", "proxyonly", "tlsonly"),
    }
)
_REFUSED = {  # rules of the forward chain
    "noudp": "meta l4proto udp drop",
    "udp443": 'iifname "lan*" udp dport != 443 drop',
    "tcp443": 'meta l4proto udp drop; iifname "lan*" tcp dport != 443 drop',
    "proxyonly": 'iifname "lan*" drop',
    "tlsonly": 'iifname "lan*" drop',
}
_FIREWALL = """
table ip firewall {{
  chain input {{
    type filter hook input priority 0; policy {unsolicited};
    iifname {{ "lo", "lan*" }} accept
    ct state established,related accept
  }}
  chain forward {{
    type filter hook forward priority 0; policy drop;
    {refused}
    ct state established,related accept
    iifname "lan*" oifname "wan" accept
    ct status dnat accept
  }}
}}
"""
_NAT = """
table ip translation {{
  map inside {{ type inet_service : ipv4_addr . inet_service; size 65535;
                flags dynamic,timeout; timeout {life}s; }}
  set permitted {{ type ipv4_addr . inet_service; size 65535;
                   flags dynamic,timeout; timeout {life}s; }}
  chain arriving {{
    type nat hook prerouting priority dstnat;
    {arriving}
  }}
  chain leaving {{
    type nat hook postrouting priority srcnat;
    {leaving}
    oifname "wan" meta l4proto {{ tcp, udp }} {translate}
    oifname "wan" masquerade
  }}
  chain noting {{
    type filter hook postrouting priority 300;
    {noting}
  }}
}}
"""
# The public port of a flow -> where it came from, noted after the translation.
_NOTE_INSIDE = (
    'oifname "wan" meta l4proto udp update @inside '
    "{ udp sport : ct original ip saddr . ct original proto-src }"
)
_NOTE_PERMITTED = (
    'oifname "wan" meta l4proto udp update @permitted { ip daddr . udp sport }'
)
_TO_INSIDE = "dnat ip to udp dport map @inside"


@dataclass(frozen=True, slots=True)
class Router:
    """What one router does. Each `generation` of it gives other public ports."""

    kind: str
    public: str
    modifiers: frozenset[str] = frozenset()
    generation: int = 0

    @property
    def life(self) -> int:
        """Seconds without traffic after which a mapping is forgotten."""
        return SHORT_LIFE if "short" in self.modifiers else LIFE

    def rules(self) -> str:
        """The whole rule set, for `nft -f`."""
        firewall = _FIREWALL.format(
            unsolicited="accept" if "reject" in self.modifiers else "drop",
            refused=_REFUSED.get(self.kind, ""),
        )
        if self.kind == "fw":
            return f"flush ruleset\n{firewall}"
        return f"flush ruleset\n{firewall}{self._translation()}"

    def _translation(self) -> str:
        arriving, leaving, noting = [], [], []
        if self.kind in ("fullcone", "eimfull"):
            arriving.append(f'iifname "wan" meta l4proto udp {_TO_INSIDE}')
        if self.kind == "addrrest":
            arriving.append(
                'iifname "wan" meta l4proto udp ip saddr . udp dport @permitted '
                + _TO_INSIDE
            )
            noting.append(_NOTE_PERMITTED)
        if "hairpin" in self.modifiers:
            # The sender, too, appears under its public address and port.
            arriving.append(
                f'iifname "lan*" fib daddr type local meta l4proto udp {_TO_INSIDE}'
            )
            leaving.append(
                'iifname "lan*" oifname "lan*" ct status dnat meta l4proto udp '
                + self._translate(f"snat to {self.public}")
            )
        if arriving:
            noting.append(_NOTE_INSIDE)
        if self.kind == "tlsonly":
            gate = f"tcp redirect to :{TLS_GATE_PORT}"
            arriving.append(f'iifname "lan*" meta l4proto {gate}')
        return _NAT.format(
            life=self.life,
            arriving="\n    ".join(arriving),
            leaving="\n    ".join(leaving),
            noting="\n    ".join(noting),
            translate=self._translate("masquerade to "),
        )

    def _translate(self, statement: str) -> str:
        """Statement that chooses the public port of a new flow."""
        generation = self.generation
        chooser = random.Random(f"{self.kind} {generation}")
        kept = self.kind in _KEEPS_PORTS
        if kept and not generation:
            return statement.removesuffix(" to ")
        if kept or self.kind in _HASHED:
            hashed = _HASHED.get(self.kind, _HASHED["eim"])
            seed = 0x5EED + generation
            ports = _table(range(FIRST_PORT, FIRST_PORT + PORTS))
            return f"{statement}:jhash {hashed} mod {PORTS} seed {seed:#x} map {ports}"
        if self.kind in ("symseq", "symskip"):
            widest = 1 if self.kind == "symseq" else 8
            port = FIRST_PORT + 5000 * (generation % 3)
            found = []
            for _ in range(2000):
                port += chooser.randint(1, widest)
                found.append(port)
            return f"{statement}:numgen inc mod 2000 map {_table(found)}"
        if self.kind == "symblock":
            low = 1024 + BLOCK_LENGTH * chooser.randrange(120)
            return f"{statement}:{low}-{low + BLOCK_LENGTH - 1} fully-random"
        return f"{statement.removesuffix(' to ')} fully-random"


def _table(ports: "range | list[int]") -> str:
    """Map of the numbers from 0 on to ports; a bare number has the wrong byte order."""
    return "{ " + ", ".join(f"{n} : {port}" for n, port in enumerate(ports)) + " }"
