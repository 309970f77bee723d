"""Addresses of a host name, without waiting for a name server at the end."""

import asyncio
import contextlib
import socket
import threading
from typing import Any

Found = list[tuple[Any, ...]]


async def look_up(host: str, port: int) -> Found:
    """Return what `socket.getaddrinfo` finds for UDP.

    The system gives no way to stop a search, and asyncio's own thread for it would hold
    up the end of the program until the name server answers or is given up. This one
    does not.

    Raises:
        OSError: the name is unknown.

    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Found] = loop.create_future()

    def take(found: Found | None, error: OSError | None) -> None:
        if answer.done():  # nobody waits any more
            return
        if error is not None:
            answer.set_exception(error)
        elif found is not None:
            answer.set_result(found)

    def search() -> None:
        found, failed = None, None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            failed = error
        except UnicodeError as error:  # a label that is too long, for example
            failed = OSError(str(error))
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(take, found, failed)

    threading.Thread(target=search, name="name lookup", daemon=True).start()
    return await answer
