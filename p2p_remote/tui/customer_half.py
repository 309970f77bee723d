"""The customer's half: its process, its state, and the screens that ask and tell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from p2p_remote.services.running_node import NodeOptions
from p2p_remote.tui import words
from p2p_remote.tui.customer_state import FILES, CustomerState, Stage
from p2p_remote.tui.messages import CustomerEvent
from p2p_remote.tui.safe_text import safe
from p2p_remote.tui.screens.approve import TELL_AGAIN_AFTER, ApproveScreen
from p2p_remote.tui.screens.question import (
    Question,
    QuestionScreen,
    Reply,
    file_question,
)
from p2p_remote.tui.screens.scope import ScopeScreen
from p2p_remote.tui.screens.sharing import SharingScreen

if TYPE_CHECKING:
    from p2p_remote.tui.app import RemoteApp


_READING_SECONDS = 15.0  # s that a line about calls is shown


class CustomerHalf:
    """Runs on the App's loop; prompts come on top of whatever is shown."""

    def __init__(
        self, app: "RemoteApp", arguments: Sequence[str], options: NodeOptions
    ) -> None:
        """Nothing happens before `start`."""
        self.state = CustomerState(options.server is not None, options.lan)
        self._app = app

        def on_event(event: dict[str, Any]) -> None:
            app.post_message(CustomerEvent(event))

        self._link = app.links.share(arguments, on_event)
        self._approve: ApproveScreen | None = None
        self._question: QuestionScreen | None = None
        self._told_at = float("-inf")  # that somebody is at the question
        self._sharing: SharingScreen | None = None
        self._scope: ScopeScreen | None = None

    async def start(self) -> None:
        """Be reachable."""
        try:
            await self._link.start()
        except OSError as error:
            self._app.post_message(
                CustomerEvent({"event": "stopped", "text": str(error)})
            )

    async def close(self) -> None:
        """Access is over when this returns."""
        await self._link.close()

    def send(self, do: str, **fields: Any) -> None:
        """Send a decision of the customer."""
        self._link.send(do, **fields)

    async def take(self, event: dict[str, Any]) -> None:
        """Take an event, and show what follows from it."""
        before = self.state.stage
        self.state.apply(event, self._app.links.clock())
        show = _SHOWS.get(str(event.get("event")))
        if show is not None:
            await show(self, before)
        if self._approve is not None:
            self._approve.on_customer_changed()
        if self._question is not None and self.state.asked:
            self._question.run_until(self.state.asked_by)
        if self._scope is not None and self._scope.is_attached:
            self._scope.show_list()
        self._app.refresh_times()

    def note_key(self) -> None:
        """A key was pressed, wherever it goes."""
        if self._approve is not None:
            self._approve.note_activity()
        elif self._question is not None and self.state.asked:
            now = self._app.links.clock()
            if now - self._told_at >= TELL_AGAIN_AFTER:
                self._told_at = now
                self.send("typing")

    def show_session(self) -> None:
        """Show the running session, if it is not on top already."""
        if self.state.stage is Stage.SHARING and not self._is_shown():
            self._sharing = SharingScreen(self.state)
            self._app.push_screen(self._sharing)

    def _is_shown(self) -> bool:
        """Whether the page of the session is open, maybe under others."""
        return self._sharing is not None and self._sharing in self._app.screen_stack

    def choose_shared(self) -> None:
        """Let the customer choose what is seen, unless others could do it for them."""
        if self.state.control:
            self._app.notify(
                "Take control back first (F11): else they could choose for you.",
                markup=False,
            )
        elif self._scope is None:
            self._scope = ScopeScreen(self.state, self.send)
            self._app.push_screen(self._scope, self._on_scope_closed)

    def _on_scope_closed(self, _answer: None) -> None:
        self._scope = None

    def offer_control(self) -> None:
        """Ask whether control is really meant to be given; F9 is one stray key."""
        if self.state.control or self._question is not None:
            return
        if not self.state.is_seen:
            self._app.notify("They are here for files only.", markup=False)
            return
        if not self.state.verified:
            self._app.notify(
                "They are not verified, so they can only look. End the session and "
                "type their six digits when they call again.",
                markup=False,
            )
            return
        question = Question(
            "Give control?",
            f"{self.state.who} could use mouse and keyboard. F11 takes it back.",
            "Give control",
        )
        self._question = QuestionScreen(question)

        def answered(reply: Reply | None) -> None:
            self._question = None
            if reply and self.state.stage is Stage.SHARING:
                self.state.problem = ""
                self.send("grant", permission="control")

        self._app.push_screen(self._question, answered)

    def offer_memory(self) -> None:
        """Ask whether this technician is to be known from now on."""
        if self.state.control or self._question is not None:
            return
        question = Question(
            "Remember them?",
            f"{self.state.who} would need no digits the next time. You are still asked "
            "every single time before they see anything.",
            "Remember",
        )
        self._question = QuestionScreen(question)

        def answered(reply: Reply | None) -> None:
            self._question = None
            if reply and self.state.stage is Stage.SHARING:
                self.state.problem = ""
                self.send("remember")

        self._app.push_screen(self._question, answered)

    # What each event shows.

    async def _on_done(self, _before: Stage) -> None:
        if self.state.remembered:
            self._app.notify("They are known from now on.", markup=False)

    async def _on_held_back(self, _before: Stage) -> None:
        """One line, and no bell: that is what was held back."""
        self._app.notify(self.state.held_back, timeout=_READING_SECONDS, markup=False)

    async def _on_request(self, _before: Stage) -> None:
        request = self.state.request
        if request is None:
            return
        self._close_prompts()
        clock = self._app.links.clock
        self._approve = ApproveScreen(
            self.state, request, self.send, clock, self.choose_shared
        )
        self._app.bell()
        await self._app.push_screen(self._approve)

    async def _on_started(self, _before: Stage) -> None:
        self._close_prompts()
        self._sharing = SharingScreen(self.state)
        await self._app.push_screen(self._sharing)

    async def _on_asked(self, _before: Stage) -> None:
        permission, file = self.state.asked, self.state.asked_file
        if file is not None:
            question = file_question(self.state.who, file, self.state.asked_seconds)
        else:
            what = words.permission_words(permission)
            question = Question(
                "They ask for more",
                f"{self.state.who} asks to {what}. "
                "F11 takes it back at any time. Allow it?",
                "Allow",
                seconds=self.state.asked_seconds,
            )
        self._close_prompts()
        self._question = QuestionScreen(question, self._app.links.clock)

        def answered(reply: Reply | None) -> None:
            self._question = None
            if self.state.asked != permission:
                return
            if reply is Reply.YES and file is not None:
                self.state.asked = ""
                self.send("allow", transfer=file.get("transfer"))
            else:
                self.send("grant" if reply else "decline", permission=permission)

        self._app.bell()
        await self._app.push_screen(self._question, answered)

    def stop_files(self) -> None:
        """Stop every file that is on its way, and ask about each one again."""
        for number in self.state.files:
            self.send("abort", transfer=number)
        for permission in FILES:
            if permission in self.state.grants:
                self.send("revoke", permission=permission)

    async def _on_answered(self, _before: Stage) -> None:
        if not self.state.asked:
            self._close_prompts()

    async def _on_ended(self, before: Stage) -> None:
        self._close_prompts()
        if before is Stage.SHARING and self.state.ended is not None:
            await self._show_end()
        elif (
            before is Stage.ASKED
            and self.state.ended is not None
            and not self._is_shown()  # its page tells of another session
        ):
            event = self.state.ended
            how = words.customer_end(
                str(event.get("reason")), by_peer=bool(event.get("by_peer"))
            )
            self._app.notify(
                safe(f"{how} Nothing was shown to anybody.").plain,
                title="No session",
                markup=False,
            )

    async def _show_end(self) -> None:
        """The end on the screen of the session, wherever that is."""
        if self._sharing is None or not self._is_shown():
            self._sharing = SharingScreen(self.state)
            await self._app.push_screen(self._sharing)
        await self._sharing.show_end()

    def _close_prompts(self) -> None:
        if self._approve is not None:
            self._approve.finish(None)
        if self._question is not None:
            self._question.finish(Reply.NO)
        if self._scope is not None:
            self._scope.finish(None)
        self._approve = self._question = None


_SHOWS: dict[str, Any] = {
    "held_back": CustomerHalf._on_held_back,  # noqa: SLF001
    "request": CustomerHalf._on_request,  # noqa: SLF001 -- the table of this class
    "started": CustomerHalf._on_started,  # noqa: SLF001
    "asked": CustomerHalf._on_asked,  # noqa: SLF001
    "granted": CustomerHalf._on_answered,  # noqa: SLF001
    "asked_no_more": CustomerHalf._on_answered,  # noqa: SLF001
    "declined": CustomerHalf._on_answered,  # noqa: SLF001
    "done": CustomerHalf._on_done,  # noqa: SLF001
    "ended": CustomerHalf._on_ended,  # noqa: SLF001
    "stopped": CustomerHalf._on_ended,  # noqa: SLF001
}
