"""What all full screens of ours share."""

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from p2p_remote.tui.actions import Action
from p2p_remote.tui.widgets.share_strip import ShareStrip
from p2p_remote.tui.widgets.tool_button import ToolButton

if TYPE_CHECKING:
    from p2p_remote.tui.app import RemoteApp


class BaseScreen(Screen[None]):
    """Knows its actions, shows the share strip, refreshes once in half a second."""

    filled = False
    TICK = 0.5  # s between two refreshes of times

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be done here at the moment, beside the App's actions."""
        return ()

    @property
    def remote_app(self) -> "RemoteApp":
        """The App, with what our screens need of it."""
        return cast("RemoteApp", self.app)

    def on_mount(self) -> None:
        """Begin to refresh."""
        self.filled = True
        self.set_interval(self.TICK, self.refresh_times)
        self.tick()

    def on_screen_resume(self) -> None:
        """On top again: nothing shown may be old."""
        self.refresh_times()

    def refresh_times(self) -> None:
        """Bring everything up to date, if it is there already."""
        if self.filled:
            self.tick()

    def tick(self) -> None:
        """Bring everything that depends on time up to date."""
        customer = self.remote_app.customer
        for strip in self.query(ShareStrip):
            state = customer.state if customer is not None else None
            strip.show(state, self.remote_app.links.clock())

    async def on_tool_button_pressed(self, message: ToolButton.Pressed) -> None:
        """Run the action of a button: ours, or the App's."""
        message.stop()
        await self.perform(message.action)

    async def perform(self, action: str) -> None:
        """Run an action of ours, or of the App."""
        name = action.partition("(")[0]
        target = self if hasattr(self, f"action_{name}") else self.app
        await target.run_action(action)
