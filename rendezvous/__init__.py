"""The rendezvous server: introduces two peers to each other and relays blindly."""
