"""Telling systemd how the service is (sd_notify(3)), in a dozen lines."""

import os
import socket


def notify(state: str) -> None:
    """Send a state such as `READY=1`; nothing happens outside systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # Linux's abstract names
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            return  # it has stopped listening; the service goes on
