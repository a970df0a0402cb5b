"""Talking to clients: the ecosystem's HTTP routes and websocket over the queue. Loads no torch."""
