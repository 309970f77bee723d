"""What a node does for sessions that have lost their relay or every path."""

from collections.abc import Iterable

from p2p_remote.session.session import Session
from p2p_remote.traversal.registration import Registration
from p2p_remote.traversal.registration_events import Rejoined
from p2p_remote.wire.address import Endpoint, Path, RelayPath

LONELY_INTERVAL = 0.25  # s between tries while nothing works
DENIED_INTERVAL = 0.1  # s between two that the server itself calls for
INTERVAL = 5.0  # s between tries while only the relay is missing


def rejoin(sessions: Iterable[Session], event: Rejoined, now: float) -> None:
    """Give a new channel to the session that it was asked for."""
    for each in sessions:
        if each.rejoin_token == event.token:
            each.rejoined(event.path, event.endpoint, now)


def punch(
    sessions: Iterable[Session],
    path: RelayPath,
    endpoints: Iterable[Endpoint],
    now: float,
) -> None:
    """Tell the session of this channel where the peer was seen."""
    for each in sessions:
        if each.relay_path == path:
            each.punch(endpoints, now)


def path_closed(
    sessions: Iterable[Session],
    registration: Registration | None,
    path: Path,
    now: float,
) -> None:
    """Look at what the TCP connection that has ended was the path of."""
    if registration is not None and path == registration.carrier:
        registration.refresh(now)
    for each in sessions:
        if each.path == path:
            each.suspect_path(now)


class Reconnection:
    """Asks the server where we are and for new channels, for as long as it is needed.

    The server may have restarted and forgotten everything, or we have been away for so
    long that it has forgotten us.
    """

    def __init__(self, registration: Registration | None) -> None:
        self._registration = registration
        self.due: float | None = None
        self._tried_at = 0.0
        self._was_lonely = False

    def deny_relay(
        self, sessions: Iterable[Session], channel: bytes, now: float
    ) -> None:
        """Take the server's hint that it knows no such channel: it is only looked at.

        It says that the server is there, so the next try does not wait.
        """
        number = int.from_bytes(channel, "little")
        for each in sessions:
            relay = each.relay_path
            if isinstance(relay, RelayPath) and relay.channel == number:
                each.relay_denied(now)
                if self.due is not None:
                    self.due = min(self.due, max(now, self._tried_at + DENIED_INTERVAL))

    def attend(self, sessions: Iterable[Session], now: float) -> None:
        """Look at the sessions and do what is due for them."""
        registration = self._registration
        found = tuple(sessions)
        wanting = [each for each in found if each.wants_relay]
        lonely = any(each.is_lonely for each in found)
        if registration is None or not (wanting or lonely):
            self.due = None
            self._was_lonely = False
            return
        worse = lonely and not self._was_lonely
        self._was_lonely = lonely
        if self.due is not None and now < self.due and not worse:
            return
        self._tried_at = now
        self.due = now + (LONELY_INTERVAL if lonely else INTERVAL)
        if lonely:
            registration.refresh(now)
        for each in wanting:
            registration.rejoin(each.rejoin_token, now)
