"""Bytes and milliseconds per screen update on drawn desktops.

    python -m tests.bench.screen_workloads [--link BYTES_PER_S] [--steps N] [SCENE...]

Every update is decoded and compared with the frame; times are CPU time of this
process, medians over the steps after the first picture.
"""

import argparse
import time
from dataclasses import dataclass
from itertools import islice
from statistics import median

import numpy as np

from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import Encoder
from tests.support.screen_scenes import SCENES, Size


@dataclass(frozen=True)
class Row:
    """Figures of one scene."""

    first_bytes: int
    first_ms: float
    mean_bytes: float
    encode_ms: float
    decode_ms: float


def measure(scene: str, size: Size, steps: int, link: float | None) -> Row:
    """Encode and decode `steps` frames after the first one."""
    encoder, decoder = Encoder(size.width, size.height), Decoder()
    encoder.link_rate = link
    sizes, encoding, decoding = [], [], []
    for frame in islice(SCENES[scene](size), steps + 1):
        start = time.process_time()
        updates = encoder.encode(frame, None)
        middle = time.process_time()
        for update in updates:
            decoder.apply(update)
        end = time.process_time()
        sizes.append(sum(len(update.body) + len(update.side) for update in updates))
        encoding.append((middle - start) * 1000)
        decoding.append((end - middle) * 1000)
        if not np.array_equal(decoder.framebuffer[:, :, :3], frame[:, :, :3]):
            raise SystemExit(f"{scene}: the decoded picture differs")
    return Row(
        sizes[0],
        encoding[0],
        sum(sizes[1:]) / steps,
        median(encoding[1:]),
        median(decoding[1:]),
    )


def main() -> None:
    """Print one line per scene."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--link", type=float, help="bytes per second of the line")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("scenes", nargs="*", metavar="SCENE")
    options = parser.parse_args()
    print(f"{'scene':16}{'first B':>10}{'ms':>8}{'B/update':>12}{'ms':>8}{'decode':>8}")
    for scene in options.scenes or SCENES:
        row = measure(scene, Size(), options.steps, options.link)
        print(
            f"{scene:16}{row.first_bytes:10}{row.first_ms:8.1f}{row.mean_bytes:12.0f}"
            f"{row.encode_ms:8.1f}{row.decode_ms:8.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
