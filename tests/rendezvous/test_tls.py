"""TLS at the TCP port, and the certificate that the server makes for itself."""

import asyncio
import contextlib
import ctypes
import os
import ssl
import sys

import pytest

from p2p_remote.errors import MalformedMessageError, StateError
from p2p_remote.wire.framing import framed
from p2p_remote.wire.rendezvous import KeepaliveAck
from rendezvous import cli, tls
from rendezvous.certificate import self_made
from rendezvous.rate_limit import Rate
from rendezvous.tcp_admission import PROOF_PATIENCE, Refusal, TcpLimits
from rendezvous.tcp_connections import RELAY_ROOM
from tests.support.server_tcp import serving
from tests.support.waiting import until

CHECK_OWN_SIGNATURE = 0x4000  # X509_V_FLAG_CHECK_SS_SIGNATURE, x509_vfy.h
CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303")  # how one begins
RELAYED = b"\x30" + bytes(1400)
PROOF = bytes((KeepaliveAck.TYPE,))


def trusting(pem=None):
    """What a client connects with; it trusts `pem` alone, or everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if pem is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=pem)
        context.verify_flags |= CHECK_OWN_SIGNATURE
    return context


def serving_tls(limits=None):
    """Connections with the certificate that the server makes for itself."""
    return serving(limits, tls.context(None, None))


async def end(writer):
    """Close a client's stream."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def test_the_own_certificate_holds(tmp_path):
    """OpenSSL takes it, and its signature is that of the key in it."""
    pem = self_made(os.urandom)
    file = tmp_path / "own.pem"
    file.write_text(pem)
    server, client = tls.context(file, None), trusting(pem)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for each in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                each.do_handshake()
    assert ends[0].version() == "TLSv1.3"
    name = ends[0].getpeercert()
    assert name["subject"] == name["issuer"] == ((("commonName", "localhost"),),)
    assert name["notAfter"].startswith("Dec 31 23:59:59 9999")


async def test_one_port_serves_tls_and_plain():
    """Each under its own address, both ways."""
    async with serving_tls() as bench:
        for context in (trusting(), None, trusting()):
            reader, writer = await bench.connect(context)
            count = len(bench.got)
            writer.write(framed(b"hello") + framed(RELAYED))
            await until(lambda count=count: len(bench.got) == count + 2)
            assert [data for data, _ in bench.got[count:]] == [b"hello", RELAYED]
            bench.tcp.send(b"answer", bench.got[-1][1])
            assert await reader.readexactly(8) == framed(b"answer")
            await end(writer)
        assert bench.tcp.figures.tls == 2
        await until(lambda: not bench.tcp.figures.open)


async def test_a_hello_in_pieces_is_waited_for():
    """Byte by byte, as an attacker or a bad line would send it."""
    async with serving_tls() as bench:
        context, sent, came = trusting(), ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(came, sent)
        reader, writer = await bench.connect()
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        hello = sent.read()
        for at in range(len(hello)):
            writer.write(hello[at : at + 1])
            if at < 8:
                await asyncio.sleep(0.002)
        came.write(await reader.read(65536))
        client.do_handshake()
        client.write(framed(b"hello"))
        writer.write(sent.read())
        await until(lambda: bench.got)
        await end(writer)


async def test_a_frame_that_looks_like_tls_at_first_is_none():
    """A first datagram of 0x0316 bytes: its own first byte tells."""
    async with serving_tls() as bench:
        _, writer = await bench.connect()
        datagram = b"\x30" + bytes(0x0315)
        assert framed(datagram)[:2] == CLIENT_HELLO[:2]
        writer.write(framed(datagram))
        await until(lambda: bench.got)
        assert bench.got[0][0] == datagram
        await end(writer)


async def test_nonsense_in_the_handshake_ends_the_connection():
    """And is counted."""
    async with serving_tls() as bench:
        reader, writer = await bench.connect()
        writer.write(CLIENT_HELLO + bytes(600))
        await until(lambda: bench.tcp.figures.refused[Refusal.HANDSHAKE])
        with contextlib.suppress(ConnectionError):
            assert await reader.read(100) is not None
        assert bench.tcp.figures.open == 0
        await end(writer)


async def test_who_goes_away_in_mid_handshake_is_forgotten():
    """Whether the first bytes have come or not."""
    async with serving_tls() as bench:
        for sent in (b"", b"\x16", CLIENT_HELLO):
            _, writer = await bench.connect()
            writer.write(sent)
            await until(lambda: bench.tcp.figures.open)
            await end(writer)
            await until(lambda: not bench.tcp.figures.open)


async def test_a_handshake_that_stands_still_is_ended():
    """After the time that anybody has to prove something."""
    async with serving_tls() as bench:
        _, writer = await bench.connect()
        writer.write(CLIENT_HELLO)
        await until(lambda: bench.tcp.figures.open)
        bench.tcp.sweep(asyncio.get_running_loop().time() + PROOF_PATIENCE)
        assert bench.tcp.figures.refused[Refusal.UNPROVEN] == 1
        await end(writer)


async def test_handshakes_in_all_are_limited():
    """So that a flood of them leaves the core to others; plain ones still come in."""
    limits = TcpLimits(handshakes=Rate(0.001, 1))
    async with serving_tls(limits) as bench:
        _, first = await bench.connect(trusting())
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
            await bench.connect(trusting())
        assert bench.tcp.figures.refused[Refusal.RATE] == 1
        _, plain = await bench.connect()
        plain.write(framed(b"hello"))
        await until(lambda: bench.got)
        for each in (first, plain):
            await end(each)


def key_updates(client, count):
    """Let a client's TLS make so many KeyUpdates (RFC 8446 section 4.6.3).

    Python has no call for it: OpenSSL's own is taken, and its SSL behind CPython's
    object and its reference to the owner.
    """
    library = ctypes.CDLL(sys.modules["_ssl"].__file__)
    behind = object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)
    made = ctypes.c_void_p.from_address(id(client._sslobj) + behind)
    for _ in range(count):
        assert library.SSL_key_update(made, 0) == 1
        assert library.SSL_do_handshake(made) == 1


async def covered(bench):
    """A TLS client after its handshake, what it has to send, and where to."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting().wrap_bio(to_client, to_server)
    reader, writer = await bench.connect()
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    writer.write(to_server.read())
    to_client.write(await reader.read(65536))
    client.do_handshake()
    return client, to_server, writer


@pytest.mark.skipif(
    sys.implementation.name != "cpython"
    or sys.version_info[:2] != (3, 11)
    or not getattr(sys.modules["_ssl"], "__file__", None),
    reason="knows how this Python keeps OpenSSL's objects",
)
async def test_records_that_say_nothing_keep_nobody_busy():
    """OpenSSL would go on with them for as long as they come, and serve nobody else."""
    async with serving_tls() as bench:
        client, to_server, writer = await covered(bench)
        key_updates(client, 100)
        client.write(framed(b"hello"))
        writer.write(to_server.read())
        await until(lambda: bench.got)
        key_updates(client, 2000)
        writer.write(to_server.read())
        await until(lambda: bench.tcp.figures.refused[Refusal.MALFORMED])
        assert bench.tcp.figures.open == 0
        await end(writer)


def test_a_hello_that_never_ends_is_given_up():
    """One of 128 KB, which OpenSSL would wait for, in records of the largest size."""
    cover = tls.Cover(tls.context(None, None))
    record = b"\x16\x03\x01\x40\x00"
    hello = record + b"\x01\x01\xff\xff" + bytes(0x4000 - 4) + record + bytes(0x4000)
    step = tls.MOST_AT_ONCE
    pieces = iter([hello[at : at + step] for at in range(0, len(hello), step)])
    for _ in range(tls._MOST_SILENT // step):
        assert cover.feed(next(pieces)) == b""
    with pytest.raises(MalformedMessageError):
        cover.feed(next(pieces))


async def test_what_is_said_with_the_goodbye_is_heard():
    """A client's last words, HANGUP or UNREGISTER, come with its close_notify."""
    async with serving_tls() as bench:
        client, to_server, writer = await covered(bench)
        client.write(framed(b"last words"))
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        writer.write(to_server.read())
        await until(lambda: bench.got or not bench.tcp.figures.open)
        assert [data for data, _ in bench.got] == [b"last words"]
        writer.write(b"\x17")
        await until(lambda: not bench.tcp.figures.open)
        await end(writer)


async def test_a_slow_reader_in_tls_gets_what_there_was_room_for():
    """What waits is bounded as without TLS, and stays whole and in order."""
    async with serving_tls() as bench:
        reader, writer = await bench.connect(trusting())
        writer.write(framed(b"hello"))
        await until(lambda: bench.got)
        address = bench.got[0][1]
        bench.tcp.send(PROOF, address)
        sent = 0
        while not bench.tcp.figures.unsent:
            bench.tcp.send(b"\x30" + sent.to_bytes(4, "little") + bytes(1000), address)
            sent += 1
        waiting = len(bench.tcp._connections[address].outgoing)
        assert waiting <= RELAY_ROOM + 2 * 1007
        assert await reader.readexactly(3) == framed(PROOF)
        for number in range(sent - 1):
            frame = await reader.readexactly(1007)
            assert frame[3:7] == number.to_bytes(4, "little")
        await end(writer)


async def test_where_tls_is_over_the_connection_ends():
    """What is sent to it must not fail for the others that something is sent to."""
    async with serving_tls() as bench:
        _, writer = await bench.connect(trusting())
        writer.write(framed(b"hello"))
        await until(lambda: bench.got)
        address = bench.got[0][1]
        with contextlib.suppress(ssl.SSLWantReadError):
            bench.tcp._connections[address].cover._tls.unwrap()
        bench.tcp.send(PROOF, address)
        assert bench.tcp.figures.open == 0
        await end(writer)


def test_without_a_place_for_files_the_server_goes_on_without_tls(monkeypatch, caplog):
    """It says so; but a certificate that was named has to be usable."""

    def full(*_args, **_named):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    parse = cli.parser().parse_args
    assert cli._tls(parse([])) is None
    assert "without TLS" in caplog.text
    assert "--tls-cert" in caplog.text
    with pytest.raises(StateError, match="No such file"):
        cli._tls(parse(["--tls-cert", "/nowhere/cert.pem"]))


def test_a_key_without_its_certificate_is_refused(capsys):
    """In one line."""
    assert cli.main(["--tls-key", "x"]) == 2
    assert "--tls-cert" in capsys.readouterr().err
