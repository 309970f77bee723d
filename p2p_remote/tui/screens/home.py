"""The first screen: the own ID, large, and the way to somebody else's."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from p2p_remote import __version__
from p2p_remote.tui.actions import HOME, Action, bindings
from p2p_remote.tui.customer_state import Stage
from p2p_remote.tui.safe_text import safe
from p2p_remote.tui.screens.base import BaseScreen
from p2p_remote.tui.widgets.big_number import BigNumber
from p2p_remote.tui.widgets.id_input import NOT_AN_ID, IdInput, problem_of
from p2p_remote.tui.widgets.key_line import KeyLine
from p2p_remote.tui.widgets.peer_list import PeerList
from p2p_remote.tui.widgets.share_strip import ShareStrip
from p2p_remote.wire import peer_id

_SEARCHING = "Nobody found yet."
_CLOSING = "Closing this window means nobody can reach you."


class HomeScreen(BaseScreen):
    """Customer's half on the left, technician's half on the right."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(HOME)]

    def __init__(self, own_id: int) -> None:
        """Show this ID."""
        super().__init__()
        self._own_id = own_id
        self._peers: Sequence[int] = ()
        self._lan_problem = ""
        self._typed = 0  # digits of the other ID

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be done here."""
        return HOME

    def compose(self) -> ComposeResult:
        """Two cards, one line on what closing means, the footer."""
        yield ShareStrip()
        with Horizontal(id="title"):
            yield Static("p2p-remote", markup=False, id="title-name")
            yield Static(
                "help and be helped, machine to machine", markup=False, id="title-text"
            )
            yield Static(f"version {__version__}", markup=False, id="title-version")
        with Horizontal(id="halves"):
            with Vertical(classes="card", id="own"):
                yield Static("Your ID", markup=False, classes="narrow-title")
                yield BigNumber(peer_id.plain(self._own_id), id="own-id")
                yield Static(
                    "Read this number to the person who helps you.",
                    markup=False,
                    classes="line",
                    id="read-out",
                )
                yield Static("", id="status", classes="line strong")
                yield Button("Try again", id="restart")
                yield Static(
                    "They see nothing before you say yes here.",
                    markup=False,
                    classes="line muted roomy",
                    id="assurance",
                )
                yield Static("", id="notes", classes="line muted roomy")
            with Vertical(classes="card", id="other"):
                yield Static("Help somebody", markup=False, classes="narrow-title")
                with Horizontal(id="connect-row"):
                    yield IdInput(id="target")
                    yield Button("Connect", id="connect", variant="primary")
                yield Static("", id="problem", classes="line")
                yield Static(
                    "On your network", markup=False, classes="heading", id="lan-title"
                )
                yield Static(_SEARCHING, id="lan-state", classes="line muted")
                yield PeerList(id="peers")
        yield Static(
            _CLOSING,
            markup=False,
            id="closing",
        )
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin in the field."""
        self.query_one("#own").border_title = "Your ID"
        self.query_one("#other").border_title = "Help somebody: their ID"
        self.query_one("#target").focus()

    def tick(self) -> None:
        """Show how things stand."""
        super().tick()
        customer = self.remote_app.customer
        self._show_lan()
        if customer is None:
            self.query_one("#restart").display = False
            return
        self._lead_with_what_works(works=customer.state.stage is not Stage.STOPPED)
        symbol, text = customer.state.status(self.remote_app.links.clock())
        status = self.query_one("#status", Static)
        status.update(safe(f"{symbol} {text}"))
        for sign, name in (("●", "-good"), ("▲", "-warn"), ("✖", "-bad")):
            status.set_class(symbol == sign, name)
        notes = Text("\n").join(safe(note) for note in customer.state.notes[-3:])
        self.query_one("#notes", Static).update(notes)

    def _lead_with_what_works(self, *, works: bool) -> None:
        """Show the own ID first, or last and without it where nobody can see it."""
        self.set_class(not works, "-helps-only")
        self.query_one("#restart").display = not works
        for name in ("#own-id", "#read-out", "#assurance"):
            self.query_one(name).display = works
        self.query_one("#closing").visible = works
        own = self.query_one("#own")
        own.border_title = "Your ID" if works else "Be helped"
        self.query_one("#own .narrow-title", Static).update(own.border_title)
        halves, other = self.query_one("#halves"), self.query_one("#other")
        if (halves.children[0] is own) is not works:
            if works:
                halves.move_child(own, before=other)
            else:
                halves.move_child(own, after=other)

    def show_lan(self, peers: Sequence[int], problem: str) -> None:
        """Show who is on the local network, or why that is not known."""
        self._peers, self._lan_problem = peers, problem
        self.refresh_times()

    def _show_lan(self) -> None:
        peer_list = self.query_one(PeerList)
        peer_list.show(self._peers)
        peer_list.display = bool(self._peers)
        state = self.query_one("#lan-state", Static)
        state.update(safe(self._lan_problem or _SEARCHING))
        state.display = not self._peers

    @on(Button.Pressed, "#restart")
    async def on_restart(self) -> None:
        """Share again, now that what stood in the way may be gone."""
        await self.remote_app.restart_customer()

    # Connecting.

    @on(IdInput.Completed, "#target")
    @on(Button.Pressed, "#connect")
    def action_connect(self) -> None:
        """Call the ID in the field, or say what is wrong with it."""
        field = self.query_one("#target", IdInput)
        problem = problem_of(field.digits, self._own_id)
        self._show_problem(problem)
        if problem:
            field.focus()
        else:
            self.remote_app.call(int(field.digits))

    @on(IdInput.Changed, "#target")
    def on_target_changed(self) -> None:
        """Somebody goes on typing: what was wrong may be right now."""
        self._show_problem("")
        before, self._typed = (
            self._typed,
            len(self.query_one("#target", IdInput).digits),
        )
        if self._typed > before:
            self.remote_app.prepare_call()

    @on(IdInput.Refused)
    def on_target_refused(self) -> None:
        """What came is no ID."""
        self._show_problem(NOT_AN_ID)

    @on(PeerList.Chosen)
    def on_peer_chosen(self, message: PeerList.Chosen) -> None:
        """Call a machine of the list."""
        self.remote_app.call(message.peer_id)

    def _show_problem(self, problem: str) -> None:
        self.query_one("#problem", Static).update(f"▲ {problem}" if problem else "")

    def action_copy_id(self) -> None:
        """Copy the ID as people read it."""
        self.app.copy_to_clipboard(peer_id.grouped(self._own_id))
        self.app.notify("Your ID is copied.", markup=False, timeout=3)
