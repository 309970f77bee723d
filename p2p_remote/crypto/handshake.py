"""The handshake p2pr1: who calls whom, with which keys, and what they agree on.

Four messages, two round trips: signed X25519, CPace always (with an empty password
when there is none: same bytes, nothing to downgrade), comparison digits committed on
both sides, cookies under load. docs/protocol/handshake.md is the specification.

    initiator                                     responder
    ---------                                     ---------
    M1 commitment, ID that is called      ->
                                          <-      M2 keys, commitment
    M3 keys, sealed identity, signature   ->      CallerVerified
                                                  release(handle) when the prompt stands
    HandshakeComplete                     <-      M4 sealed identity, signature, opening

This module is the door to the ones beside it.
"""

from p2p_remote.crypto.cpace import stretch_password
from p2p_remote.crypto.half_open import Limits
from p2p_remote.crypto.handshake_events import (
    CallerLost,
    CallerVerified,
    HandshakeComplete,
    HandshakeFailed,
    InitiatorEvent,
    PasswordFailed,
    PasswordsExhausted,
    PeerAnswered,
    ResponderEvent,
)
from p2p_remote.crypto.handshake_keys import HandshakeResult, SessionSecrets
from p2p_remote.crypto.initiator import CallOptions, Initiator
from p2p_remote.crypto.responder import Responder, ResponderOptions
from p2p_remote.wire.handshake import WANTED_HEARS
from p2p_remote.wire.refusals import RefusalReason, wait_code

__all__ = [
    "WANTED_HEARS",
    "CallOptions",
    "CallerLost",
    "CallerVerified",
    "HandshakeComplete",
    "HandshakeFailed",
    "HandshakeResult",
    "Initiator",
    "InitiatorEvent",
    "Limits",
    "PasswordFailed",
    "PasswordsExhausted",
    "PeerAnswered",
    "RefusalReason",
    "Responder",
    "ResponderEvent",
    "ResponderOptions",
    "SessionSecrets",
    "stretch_password",
    "wait_code",
]
