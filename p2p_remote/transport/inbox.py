"""What comes in: streams put together again, newest-wins values, credit to give."""

from p2p_remote.errors import ProtocolError
from p2p_remote.transport.channels import CHANNELS
from p2p_remote.transport.events import Event, LatestReceived, MessageReceived
from p2p_remote.transport.receive_stream import ReceiveStream
from p2p_remote.wire.frames import Credit, Latest, Stream


class Inbox:
    """The receiving half of all channels."""

    def __init__(self) -> None:
        self.streams = {
            channel: ReceiveStream(limits) for channel, limits in CHANNELS.items()
        }
        self.bytes_received = dict.fromkeys(CHANNELS, 0)
        self._serials: dict[int, int] = {}

    def on_stream(self, frame: Stream) -> list[Event]:
        """Take bytes of a channel.

        Raises:
            ProtocolError: no such channel, or one of its bounds is broken.

        """
        channel, offset, data = frame
        stream = self.streams.get(channel)
        if stream is None:
            raise ProtocolError(f"there is no channel {channel}")
        self.bytes_received[channel] += len(data)
        return [
            MessageReceived(channel, message)
            for message in stream.receive(offset, data)
        ]

    def on_latest(self, frame: Latest) -> Event | None:
        """Take a newest-wins value; None if a newer one is known."""
        if frame.serial <= self._serials.get(frame.kind, -1):
            return None
        self._serials[frame.kind] = frame.serial
        return LatestReceived(frame.kind, frame.data)

    def new_credit(self, channel: int) -> Credit | None:
        """Credit to be sent for a channel that has just been heard."""
        limit = self.streams[channel].new_limit()
        return None if limit is None else Credit(channel, limit)

    def credit(self, channel: int) -> int:
        """Credit of a channel as announced last."""
        return self.streams[channel].limit
