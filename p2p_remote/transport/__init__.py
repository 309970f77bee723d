"""The session transport: streams and newest-wins values over sealed datagrams."""
