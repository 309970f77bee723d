"""A link to the network that may be made before it is known whom to call."""

from collections.abc import Callable

from p2p_remote.services.events import ServiceEvent
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.tui.links import Links
from p2p_remote.tui.messages import TechnicianEvent


class PreparedLink:
    """Runs a `TechnicianLink`; its events belong to `call` as soon as that is set."""

    def __init__(
        self,
        links: Links,
        options: NodeOptions,
        post: Callable[[TechnicianEvent], object],
    ) -> None:
        """Start the link; `post` is called in its thread."""
        self.call = 0  # nobody's
        self._post = post
        self.link = links.technician(options, self._notify)
        self.link.start()

    def _notify(self, event: ServiceEvent) -> None:
        self._post(TechnicianEvent(event, self.call))
