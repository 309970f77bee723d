"""What the worst updates cost a decoder that takes or refuses them."""

import time
from statistics import median

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.layout import Body
from tests.support import worst_updates

_TIMES = 5


def _milliseconds(name: str) -> tuple[float, float]:
    """Median and largest CPU time over several updates of a kind."""
    make = {**worst_updates.TAKEN, **worst_updates.REFUSED}[name]
    decoder, size = Decoder(), worst_updates.SIDE
    decoder.apply(worst_updates.update(0, Body(size=(size, size))))
    times = []
    sequence = 1
    for turn in range(_TIMES + 1):
        update = make(sequence)
        begin = time.thread_time()
        try:
            decoder.apply(update)
            sequence += 1
        except MalformedMessageError:
            pass
        if turn:
            times.append((time.thread_time() - begin) * 1000)
    return median(times), max(times)


def worst_table() -> list[str]:
    """Lines of the table."""
    about = (
        "The most expensive updates that bounds allow, on a display of 4096x4096: CPU "
        "time of the decoder, median and largest of five (goal: none over 50 ms). The "
        "last three are refused only after that work. One more before them is not "
        "counted: it is the first to touch the memory of the display, and what the "
        "system takes for that is its own."
    )
    lines = ["", about, "", "| update | ms | largest |", "|---|---:|---:|"]
    for name in (*worst_updates.TAKEN, *worst_updates.REFUSED):
        usual, largest = _milliseconds(name)
        lines.append(f"| {name} | {usual:.1f} | {largest:.1f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(worst_table()))
