"""Constants that both ends must share. Tuning values live beside the code they tune."""

PROTOCOL_VERSION = 1  # p2pr1
SUITE_P2PR1 = 1  # Ed25519, X25519, CPace-X25519-SHA512, XSalsa20-Poly1305, BLAKE2b

DEFAULT_RENDEZVOUS_PORT = 3479  # UDP and TCP

# 1200: fits IPv6's minimum MTU of 1280 with IPv6 and UDP headers and with the
# relay header in front, so nothing below needs probing to be sent.
MAX_DATAGRAM = 1200  # bytes of UDP payload before path MTU discovery
MAX_ANY_DATAGRAM = 1472  # bytes; no datagram of ours is ever larger (Ethernet, IPv4)

ID_MINIMUM = 100_000_000
ID_COUNT = 900_000_000  # IDs are ID_MINIMUM .. ID_MINIMUM + ID_COUNT - 1

MAX_NAME_BYTES = 64  # UTF-8 bytes of a display name in the handshake

# Stream numbers; the number is also the order of priority (RFC 9000 has streams
# without priorities, ours are strict).
CHANNEL_INPUT = 0  # technician's keys, text and pointer
CHANNEL_CONTROL = 1  # approval, grants, candidates, end
CHANNEL_CURSOR = 2  # pointer position and shape
CHANNEL_HOT = 3  # hot patches: what the last input changed on the screen
CHANNEL_TERMINAL = 4  # shared terminal, chat, clipboard
CHANNEL_SCREEN = 5  # screen updates
CHANNEL_BULK = 6  # files, recording upload

MAX_SCREEN_SIDE = 16_384  # pixels
MAX_SCREEN_PIXELS = 64 * 1024 * 1024
