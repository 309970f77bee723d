"""Peer-to-peer remote support for the terminal.

This file holds the version and imports nothing, so that the rendezvous server
and ``p2p-remote --version`` can load it without paying for anything else.
"""

__version__ = "0.1.0"
