"""One end of a transport benchmark, in a process of its own.

    python -m tests.bench.transport_ends END WIRE WORKLOAD SECONDS [PORT]

END is `customer` or `technician`. The technician asks (a key press), the customer
answers with a pixel update and fills the line beside it, as the workload has it:

    bulk     a file is on its way; the answer is 8 bytes, an echo
    busy     the screen changes faster than the line carries; the answer is one tile
    typing   nothing else is on the line; the answer is one tile

The technician prints one JSON object: `goodput` in bit/s and `delays`, seconds from
each question to its answer. What the customer fills the line with is taken only when
the wire has room; the answer goes before it.
"""

import asyncio
import contextlib
import json
import os
import random
import struct
import sys
import time
from typing import Any

from tests.bench.transport_tcp import TcpWire
from tests.bench.transport_workloads import (
    ANSWER,
    ASK,
    CUSTOMER,
    FILL,
    QUESTION,
    TECHNICIAN,
    WARM_UP,
    WORKLOADS,
    Wire,
    Workload,
)


class Customer:
    """Answers questions and fills the line."""

    def __init__(self, wire: Wire, workload: Workload) -> None:
        self._wire = wire
        self._workload = workload
        self._sizes = random.Random(1)
        self._filling = bytes(workload.fill)
        self._started = False
        wire.on_message = self._on_message
        wire.on_room = self.fill

    def _on_message(self, kind: int, data: bytes) -> None:
        self._started = True
        size = self._sizes.randint(*self._workload.answer)
        self._wire.send(ANSWER, data[:8] + os.urandom(size - 8))
        self.fill()

    def fill(self) -> None:
        while self._started and self._filling and self._wire.has_room():
            self._wire.send(FILL, self._filling)


class Technician:
    """Asks, and measures what comes."""

    def __init__(self, wire: Wire, workload: Workload, seconds: float) -> None:
        self._wire = wire
        self._workload = workload
        self._seconds = seconds
        self._gaps = random.Random(2)
        self._asked: dict[int, float] = {}
        self._begin = float("inf")
        self._bytes = 0
        self.delays: list[float] = []
        wire.on_message = self._on_message
        wire.on_room = lambda: None

    def _on_message(self, kind: int, data: bytes) -> None:
        now = time.monotonic()
        if kind == FILL:
            if now >= self._begin:
                self._bytes += len(data)
            return
        (number,) = struct.unpack_from("<Q", data)
        asked = self._asked.pop(number, None)
        if asked is not None and asked >= self._begin:
            self.delays.append(now - asked)

    async def run(self) -> dict[str, Any]:
        """Ask for the time given, wait for the last answers, return the figures."""
        start = time.monotonic()
        self._begin = start + WARM_UP
        end = self._begin + self._seconds
        number = 0
        while (now := time.monotonic()) < end:
            self._asked[number] = now
            question = struct.pack("<Q", number)
            self._wire.send(ASK, question + bytes(QUESTION - len(question)))
            number += 1
            await asyncio.sleep(self._gaps.uniform(*self._workload.gap))
        taken, received = time.monotonic() - self._begin, self._bytes
        late = [asked for asked in self._asked.values() if asked >= self._begin]
        if late:  # unanswered so far: wait a little, then count what they waited
            await asyncio.sleep(0.5)
        late = [asked for asked in self._asked.values() if asked >= self._begin]
        self.delays += [time.monotonic() - asked for asked in late]
        return {"goodput": received * 8 / taken, "delays": self.delays}


def make_wire(name: str, workload: str, *, is_customer: bool, port: int) -> Wire:
    """Wire of a rival by its name in the table."""
    local = (CUSTOMER if is_customer else TECHNICIAN, port)
    remote = (TECHNICIAN if is_customer else CUSTOMER, port)
    if name.startswith("tcp-"):
        return TcpWire(name[4:], local, remote, is_server=is_customer)
    if name in {"aioquic", "qh3"}:
        from tests.bench.transport_quic import QuicWire

        return QuicWire(name, local, remote, is_server=is_customer)
    if workload == "bulk":
        from tests.bench.transport_ours import OurWire

        return OurWire(local, remote, is_customer=is_customer)
    from tests.bench.transport_program import ProgramWire

    work = WORKLOADS[workload]
    return ProgramWire(name, work, local, remote, is_customer=is_customer)


async def run_end(
    end: str, name: str, workload: str, seconds: float, port: int
) -> None:
    """Be one end until the technician has measured."""
    is_customer = end == "customer"
    wire = make_wire(name, workload, is_customer=is_customer, port=port)
    if is_customer:
        customer = Customer(wire, WORKLOADS[workload])
        await wire.start()
        print("ready", flush=True)
        gone = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await gone
        del customer
    else:
        technician = Technician(wire, WORKLOADS[workload], seconds)
        await wire.start()
        print(json.dumps(await technician.run()), flush=True)
    with contextlib.suppress(OSError):
        await wire.close()


def main() -> None:
    """Run an end as the arguments have it."""
    end, name, workload, seconds, *port = sys.argv[1:]
    number = int(port[0]) if port else 5000
    asyncio.run(run_end(end, name, workload, float(seconds), number))


if __name__ == "__main__":
    main()
