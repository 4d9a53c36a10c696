"""Hubs that speak protocol v1 of docs/protocol.md."""
