"""The store that a fleet of servers shares: Redis or Valkey.

    p2pr:claim:<id>   public key 32, counter 1, verified 1; kept for 400 days
    p2pr:at:<id>      name of the node 8, public key 32; kept for 150 s
    p2pr:token:<hex>  who shows it: public key -> name of the node; kept for 15 s
    p2pr:link         key of the MACs between nodes, 32
    p2pr:node:<name>  channel by which a node hears of calls

The only module that imports `redis`, and only when a fleet is asked for.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from p2p_remote.errors import NetworkError, UsageError
from p2p_remote.wire.address import Endpoint, pack_endpoint
from rendezvous.fleet import (
    LINK_KEY_LENGTH,
    MAX_EVENTS,
    NODE_LENGTH,
    ClaimMade,
    ClaimWanted,
    Fleet,
    FleetRequest,
    Listed,
    Location,
    LookupWanted,
    Tell,
    TokenShown,
    Unlisted,
)
from rendezvous.fleet_introductions import FleetIntroductions
from rendezvous.protocol import Protocol
from rendezvous.registry import Claim, pack_claim, unpack_claim
from rendezvous.rejoins import WAITING
from rendezvous.sockets import ListenAddress, bind, endpoint_of_socket

_log = logging.getLogger(__name__)

_CLAIM_LIFE = 400 * 86_400  # s, as in the database
_ENTRY_LIFE = 150  # s; a lease is 65
_REFRESH_INTERVAL = 60.0  # s
_REFRESH_BATCH = 500  # registrations in one call of the script
_PATIENCE = 2.0  # s for an answer of the store
_RETRY = 1.0  # s between tries to reach it
_MAX_BATCH = 256
_CLAIM_LENGTH = 34
_ENTRY_LENGTH = 40

# Each only while the entry is still ours: a client may have gone to another node.
_REFRESH = """
for i, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if held == ARGV[i + 1] then redis.call('EXPIRE', key, ARGV[1])
  elseif not held then redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end
end
"""
_REMOVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

# Two show a token; a few more may, while somebody tries to disturb.
_SHOW = """
if redis.call('HLEN', KEYS[1]) < 4 or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return redis.call('HGETALL', KEYS[1])
"""


class RedisStore:
    """One node's connection to the store, and its socket to the other nodes."""

    def __init__(self, url: str, password: str | None, node: str | None) -> None:
        """Join the fleet.

        Args:
            url: `redis://HOST:PORT/NUMBER`.
            password: of the store.
            node: address that other nodes reach this one at; None takes the one by
                which this machine reaches the store.

        Raises:
            UsageError: the URL is none, or the library is missing.
            NetworkError: the store cannot be reached, or the address not be used.

        """
        try:
            import redis
            import redis.asyncio
        except ImportError as error:
            raise UsageError(
                "--store redis://... needs the Python package redis: "
                "pip install 'p2p-remote[fleet]'."
            ) from error
        self._errors = (redis.RedisError, OSError, TimeoutError)
        options: dict[str, Any] = {
            "password": password,
            "socket_timeout": _PATIENCE,
            "socket_connect_timeout": _PATIENCE,
            # A node that only listens would not notice that the store has vanished.
            "socket_keepalive": True,
            "socket_keepalive_options": _keepalive(),
        }
        try:
            key, own = _join(redis.Redis.from_url(url, **options))
            self._client: Any = redis.asyncio.Redis.from_url(url, **options)
        except ValueError as error:
            raise UsageError(f"--store: {error}.") from error
        except self._errors as error:
            raise NetworkError(f"The store cannot be used: {error}.") from error
        host, port = _split(node) if node else (own, 0)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.link = bind(ListenAddress(family, host, port))
        packed = pack_endpoint(endpoint_of_socket(self.link))
        self.fleet = Fleet(os.urandom(NODE_LENGTH), packed, key)
        self.is_reachable = True
        self._requests: asyncio.Queue[FleetRequest] = asyncio.Queue(MAX_EVENTS)

    def submit(self, request: FleetRequest) -> bool:
        """Do what the protocol asks for, in order; False if too much waits already."""
        if self._requests.full():
            return False
        self._requests.put_nowait(request)
        return True

    async def run(self, protocol: Protocol, after: Callable[[float], None]) -> None:
        """Serve until cancelled; `after(now)` sends what answers have brought about."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work(protocol, after))
            tasks.create_task(self._listen(protocol, after))
            tasks.create_task(self._refresh(protocol))

    async def close(self) -> None:
        """End the connection to the store and close the socket to the others."""
        try:
            await self._client.aclose()
        finally:
            self.link.close()

    # Requests.

    async def _work(self, protocol: Protocol, after: Callable[[float], None]) -> None:
        while True:
            batch = [await self._requests.get()]
            while len(batch) < _MAX_BATCH and not self._requests.empty():
                batch.append(self._requests.get_nowait())
            pipe = self._client.pipeline(transaction=False)
            for request in batch:
                self._add(pipe, request)
            try:
                answers = await pipe.execute(raise_on_error=False)
            except self._errors as error:
                self._failed(error)
                answers = [error] * len(batch)
            else:
                self._worked()
            now = time.monotonic()
            for request, answer in zip(batch, answers, strict=True):
                self._answer(protocol, request, answer, now)
            after(now)

    def _add(self, pipe: Any, request: FleetRequest) -> None:
        match request:
            case ClaimWanted(peer_id):
                pipe.get(_claim_key(peer_id))
            case ClaimMade(peer_id, claim, is_new):
                pipe.set(
                    _claim_key(peer_id),
                    pack_claim(claim),
                    ex=_CLAIM_LIFE,
                    nx=is_new,
                    get=is_new,
                )
            case Listed(peer_id, public):
                pipe.set(_entry_key(peer_id), self._entry(public), ex=_ENTRY_LIFE)
            case Unlisted(peer_id, public):
                pipe.eval(_REMOVE, 1, _entry_key(peer_id), self._entry(public))
            case LookupWanted(_, peer_id):
                pipe.get(_entry_key(peer_id))
            case TokenShown(token, public):
                key, node = f"p2pr:token:{token.hex()}", self.fleet.node
                pipe.eval(_SHOW, 1, key, public, node, int(WAITING))
            case Tell(node, data):
                pipe.publish(_channel(node), data)

    def _answer(
        self, protocol: Protocol, request: FleetRequest, answer: object, now: float
    ) -> None:
        failed = isinstance(answer, Exception)
        match request:
            case ClaimWanted(peer_id) if not failed:
                protocol.claim_found(peer_id, _unpack_claim(answer), now)
            case ClaimWanted(peer_id):
                protocol.claim_not_found_out(peer_id)
            case ClaimMade(peer_id, claim, True) if isinstance(answer, bytes):
                held = _unpack_claim(answer)
                if held is not None and held.public != claim.public:
                    protocol.claim_found(peer_id, held, now)
            case LookupWanted(ticket, _):
                protocol.looked_up(ticket, _unpack_entry(answer), now)
            case TokenShown(token, _):
                if isinstance(protocol.introductions, FleetIntroductions):
                    protocol.introductions.met(token, _unpack_shown(answer), now)

    def _entry(self, public: bytes) -> bytes:
        return self.fleet.node + public

    # What goes on beside.

    async def _listen(self, protocol: Protocol, after: Callable[[float], None]) -> None:
        """Hear what other nodes tell."""
        while True:
            with contextlib.suppress(*self._errors):
                async with self._client.pubsub() as heard:
                    await heard.subscribe(_channel(self.fleet.node))
                    while True:
                        message = await heard.get_message(
                            ignore_subscribe_messages=True, timeout=1.0
                        )
                        if message is not None:
                            now = time.monotonic()
                            protocol.receive_from_node(message["data"], now)
                            after(now)
            await asyncio.sleep(_RETRY)

    async def _refresh(self, protocol: Protocol) -> None:
        """Keep the entries of all who are registered here."""
        while True:
            await asyncio.sleep(_REFRESH_INTERVAL)
            listed = [
                (_entry_key(each.peer_id), self._entry(each.public))
                for each in protocol.registry
                if each.peer_id
            ]
            for start in range(0, len(listed), _REFRESH_BATCH):
                part = listed[start : start + _REFRESH_BATCH]
                keys, entries = zip(*part, strict=True)
                try:
                    await self._client.eval(
                        _REFRESH, len(part), *keys, _ENTRY_LIFE, *entries
                    )
                except self._errors as error:
                    self._failed(error)
                    break
                self._worked()

    def _failed(self, error: BaseException) -> None:
        if self.is_reachable:
            _log.error("The store cannot be used: %s. Trying on.", error)
        self.is_reachable = False

    def _worked(self) -> None:
        if not self.is_reachable:
            _log.info("The store can be used again.")
        self.is_reachable = True


def _keepalive() -> dict[int, int]:
    """TCP options, as far as the system has them: a lost store shows in 20 s."""
    wanted = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 2}
    return {
        getattr(socket, name): value
        for name, value in wanted.items()
        if hasattr(socket, name)
    }


def _join(client: Any) -> tuple[bytes, str]:
    """Key that the nodes share, and our address on the way to the store."""
    client.set("p2pr:link", os.urandom(LINK_KEY_LENGTH), nx=True)
    key = client.get("p2pr:link")
    names = client.connection_pool.connection_kwargs
    client.close()
    if not isinstance(key, bytes) or len(key) != LINK_KEY_LENGTH:
        raise ValueError("the key p2pr:link in the store is not of ours")
    host, port = names.get("host", "127.0.0.1"), names.get("port", 6379)
    family, _, _, _, store = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(store)
        return key, str(probe.getsockname()[0])


def _split(text: str) -> tuple[str, int]:
    """Host and port of `IP:PORT`."""
    host, _, port = text.rpartition(":")
    try:
        endpoint = Endpoint(host.strip("[]"), int(port))
        pack_endpoint(endpoint)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--node {text}: an address is IP:PORT.") from error
    return endpoint.host, endpoint.port


def _claim_key(peer_id: int) -> str:
    return f"p2pr:claim:{peer_id}"


def _entry_key(peer_id: int) -> str:
    return f"p2pr:at:{peer_id}"


def _channel(node: bytes) -> str:
    return f"p2pr:node:{node.hex()}"


def _unpack_claim(data: object) -> Claim | None:
    if not isinstance(data, bytes) or len(data) != _CLAIM_LENGTH:
        return None
    return unpack_claim(data)


def _unpack_entry(data: object) -> Location | None:
    if not isinstance(data, bytes) or len(data) != _ENTRY_LENGTH:
        return None
    return Location(data[:NODE_LENGTH], data[NODE_LENGTH:])


def _unpack_shown(data: object) -> list[Location]:
    """Fields and values of a hash, in turns."""
    if not isinstance(data, list):
        return []
    return [
        Location(node, public)
        for public, node in zip(data[::2], data[1::2], strict=True)
    ]
