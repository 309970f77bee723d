"""Pictures for the documents, taken of the running program.

    python -m tests.bench.pictures [session] [question]

A server, a call and its answer, on X servers of their own: one has the desktop of a
customer, another one a kitty (which draws sextants) with the interface in it. What is
written to docs/images is to be looked at before it is committed.
"""

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tests.system.desktop_support import reference
from tests.system.displays import Display, running_display
from tests.system.programs import P2P_REMOTE, RENDEZVOUS, ROOT, Program, Programs

FOLDER = ROOT / "docs" / "images"
SETTLED = 6.0  # s for windows to open, and for the figures in the status line to rest
COLOURS = 128  # of the palette of a picture
KITTY = """\
font_family DejaVu Sans Mono
font_size {font}
window_padding_width 0
placement_strategy top-left
remember_window_size no
update_check_interval 0
initial_window_width {columns}c
initial_window_height {rows}c
"""
PROMPT = "\033[1mhelga@office:~$\033[0m "
TERMINAL = f"""\
{PROMPT}df -h /home /backup
Filesystem      Size  Used Avail Use% Mounted on
/dev/sda2       252G  231G   21G  92% /home
/dev/sdb1       1.8T  612G  1.2T  35% /backup
{PROMPT}tail -4 /var/log/backup.log
02:00:01 backup of /home started
02:41:17 218,402 files, 229.8 GB
02:41:18 \033[31mwarning: less than 10 % left on /home\033[0m
02:41:18 done
{PROMPT}"""
NOTES = """\
To do with support

[x] printer in room 2
[ ] disk of /home is nearly full
[ ] new phone for Mr. Novak
"""


class Stage:
    """A server, and programs that find it."""

    def __init__(self, folder: Path, programs: Programs) -> None:
        """Start the server."""
        self._folder = folder
        self._programs = programs
        self.password = folder / "password"
        self.password.write_text("as agreed", encoding="utf-8")
        server = programs.start(*RENDEZVOUS, "--listen", "127.0.0.1:0")
        self._server = server.line("listening ").split()[1]

    def program(self, name: str, *command: str | Path) -> list[str | Path]:
        """Command line of a person with this name."""
        return [
            *(*P2P_REMOTE, *command, "--no-lan", "--name", name),
            *("--state-dir", self._folder / name, "--rendezvous", self._server),
        ]

    def start(self, display: Display | None, *command: str | Path) -> Program:
        """Start a program on a display."""
        env = {"LIBGL_ALWAYS_SOFTWARE": "1", "LANG": "C.UTF-8"}
        return self._programs.start(
            *command, env={**env, **(display.env if display else {})}
        )

    def interface(
        self, display: Display, size: tuple[int, int, int], command: list[str | Path]
    ) -> None:
        """Open a terminal (columns, rows, size of its font) with a program in it."""
        settings = self._folder / "kitty.conf"
        settings.write_text(
            KITTY.format(columns=size[0], rows=size[1], font=size[2]), "utf-8"
        )
        self.start(display, "kitty", "--config", settings, *command)

    def window(self, display: Display, title: str, place: str, text: str) -> None:
        """Open a terminal of the customer's with a text in it."""
        file = self._folder / title
        file.write_text(text, encoding="utf-8")
        self.start(
            display,
            *("xterm", "-fa", "DejaVu Sans Mono", "-fs", "14", "-T", title),
            *("-bg", "#fffdf8", "-fg", "#202020", "-geometry", place),
            *("-e", "sh", "-c", 'cat "$1"; exec sleep 600', "sh", file),
        )

    def desktop(self, display: Display) -> None:
        """Open what a customer has on the screen."""
        display.run("xsetroot", "-solid", "#2a5d7c")
        self.start(display, "openbox")
        time.sleep(SETTLED)
        self.start(display, "xcalc", "-geometry", "200x300+734+24")
        self.start(display, "xclock", "-geometry", "150x150+755+390")
        self.window(display, "Terminal", "55x11+24+24", TERMINAL)
        self.window(display, "Notes", "44x7+130+340", NOTES)
        time.sleep(SETTLED)


def keep(display: Display, name: str) -> None:
    """Write what is on a display to a small file, without the black around it."""
    image = Image.fromarray(reference(display)[..., ::-1].copy())
    image = image.crop(image.getbbox())
    small = image.quantize(COLOURS, dither=Image.Dither.NONE)
    path = FOLDER / f"{name}.png"
    small.save(path, optimize=True)
    print(f"{path}: {small.size}, {path.stat().st_size} bytes")


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A server in a folder that goes with it."""
    with tempfile.TemporaryDirectory() as folder, Programs() as programs:
        yield Stage(Path(folder), programs)


def session() -> None:
    """What a technician with control sees of a customer's desktop."""
    with (
        stage() as on,
        running_display("Xvfb", 960, 600) as theirs,
        running_display("Xvfb", 1600, 1200) as ours,
    ):
        on.desktop(theirs)
        secret = ("--password-file", on.password)
        share = on.start(theirs, *on.program("Helga", "share", "--json", *secret))
        number = share.event("ready", rendezvous=True)["id"]
        on.interface(
            ours, (226, 67, 8), on.program("Anna Berg", "connect", number, *secret)
        )
        share.event("request")
        share.say({"do": "approve", "grants": ["view", "control"]})
        share.event("started")
        time.sleep(2 * SETTLED)
        keep(ours, "session")


def question() -> None:
    """What a customer is asked, with the digits typed."""
    with stage() as on, running_display("Xvfb", 1280, 800) as theirs:
        customer = on.program("Helga")
        on.interface(theirs, (92, 28, 10), customer)
        time.sleep(SETTLED)
        shown = on.start(None, *on.program("Helga", "id", "--json")).event("id")
        call = ("connect", shown["id"], "--json")
        connect = on.start(None, *on.program("Anna Berg", *call))
        digits = connect.event("ringing")["digits"]
        time.sleep(SETTLED)
        theirs.run("xdotool", "type", "--delay", "80", digits)
        time.sleep(1.0)
        keep(theirs, "question")


def main() -> None:
    """Take those that were named, or all."""
    pictures = {"session": session, "question": question}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(pictures))
    for name in parser.parse_args().names or pictures:
        pictures[name]()


if __name__ == "__main__":
    main()
