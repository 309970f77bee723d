"""Bytes to frozen dataclasses and back; nothing else. No clock, no socket, no state."""
