"""What the worst updates cost a decoder that takes or refuses them."""

import time
from statistics import median

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.layout import Body
from tests.support import worst_updates

_TIMES = 5


def _prepared() -> tuple[Decoder, list[float]]:
    """Decoder of a large display, and CPU time (ms) of each step that prepared it."""
    decoder, size = Decoder(), worst_updates.SIDE
    decoder.apply(worst_updates.update(0, Body(size=(size, size))))
    times = []
    is_more = True
    while is_more:
        begin = time.thread_time()
        is_more = decoder.prepare()
        times.append((time.thread_time() - begin) * 1000)
    return decoder, times


def _milliseconds(name: str) -> list[float]:
    """CPU time over several updates of a kind."""
    make = {**worst_updates.TAKEN, **worst_updates.REFUSED}[name]
    decoder, _ = _prepared()
    times = []
    sequence = 1
    for _ in range(_TIMES):
        update = make(sequence)
        begin = time.thread_time()
        try:
            decoder.apply(update)
            sequence += 1
        except MalformedMessageError:
            pass
        times.append((time.thread_time() - begin) * 1000)
    return times


def worst_table() -> list[str]:
    """Lines of the table."""
    about = (
        "The most expensive updates that bounds allow, each kind on a new display of "
        "4096x4096: CPU time of the decoder, median and largest of the first five "
        "(goal: none over 50 ms). Before them the decoder takes the memory of the "
        "display in steps of 4 MiB. The last three are refused only after that work."
    )
    lines = ["", about, "", "| update | ms | largest |", "|---|---:|---:|"]
    rows = {"a step of the display's memory": _prepared()[1]}
    for name in (*worst_updates.TAKEN, *worst_updates.REFUSED):
        rows[name] = _milliseconds(name)
    for name, times in rows.items():
        lines.append(f"| {name} | {median(times):.1f} | {max(times):.1f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(worst_table()))
