"""The whole exception tree.

Every class docstring is the text a person reads when the error reaches them, so it
says what happened and what to do next. `exit_code` is the documented exit code of
the command line (docs/cli.md).

    RemoteSupportError
    ├── MalformedMessageError        bytes from a peer that do not parse
    ├── ProtocolError                a peer broke the rules of a state machine
    ├── AuthenticationFailedError    a seal, signature or MAC does not hold
    ├── UsageError                   exit 2
    ├── NoSuchPeerError              exit 3
    ├── RefusedError                 exit 4
    │   └── BusyError                where somebody else is being answered
    ├── IdentityMismatchError        exit 5
    ├── NetworkError                 exit 6
    │   └── ServerSilentError        where a proxy may know the reason
    ├── MissingCapabilityError       exit 7
    ├── SessionAbortedError          exit 8
    ├── StateError                   exit 1, files of ours that cannot be used
    ├── FileTransferError            exit 1, a file that did not arrive
    └── PermissionNotGrantedError    an effect without a grant
"""

from typing import ClassVar


class RemoteSupportError(Exception):
    """Something went wrong."""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """Return the message given, or the text of the class when there is none."""
        given = super().__str__()
        return given or (type(self).__doc__ or "").strip()


class MalformedMessageError(RemoteSupportError):
    """The other side sent something that is not a valid message."""


class ProtocolError(RemoteSupportError):
    """The other side broke the rules of the protocol."""


class AuthenticationFailedError(RemoteSupportError):
    """A message could not be authenticated."""

    exit_code = 5


class UsageError(RemoteSupportError):
    """The command was not understood. Try --help."""

    exit_code = 2


class NoSuchPeerError(RemoteSupportError):
    """Nobody is reachable under this ID. Ask for the number again."""

    exit_code = 3


class RefusedError(RemoteSupportError):
    """The customer said no, or did not answer in time."""

    exit_code = 4

    def __init__(self, text: str = "", wait: int = 0) -> None:
        """`wait`: s after which it may be tried again, 0 if that was not said."""
        super().__init__(text)
        self.wait = wait


class BusyError(RefusedError):
    """The other side is busy. Call again later."""


class IdentityMismatchError(RemoteSupportError):
    """The machine that answered is not the one this ID belongs to. Do not go on."""

    exit_code = 5


class NetworkError(RemoteSupportError):
    """The network did not answer. Check the connection and the server's address."""

    exit_code = 6


class ServerSilentError(NetworkError):
    """The rendezvous server does not answer. `p2p-remote doctor` finds out why."""


class MissingCapabilityError(RemoteSupportError):
    """This machine lacks something that is needed here."""

    exit_code = 7


class SessionAbortedError(RemoteSupportError):
    """The session was ended from the other side or the connection was lost."""

    exit_code = 8


class StateError(RemoteSupportError):
    """A file of p2p-remote cannot be read or written."""


class FileTransferError(RemoteSupportError):
    """The file was not transferred."""

    def __init__(self, text: str = "", reason: int = 0) -> None:
        """`reason` is a number of `wire.files.STOP_REASONS`."""
        super().__init__(text)
        self.reason = reason


class PermissionNotGrantedError(RemoteSupportError):
    """The customer has not allowed this."""

    exit_code = 4
