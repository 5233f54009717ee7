"""Says in one line when the port that the app asks for is no port, or is taken. It starts nothing."""

from __future__ import annotations

import socket
import sys


def problem(port: str) -> str | None:
    """What is wrong with the port, as a sentence, or None where a server can listen on it."""
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        return f"PORT must be a number from 1 to 65535, got {port!r}."
    number = int(port)
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET, "127.0.0.1")):
        with socket.socket(family) as probe:
            # As servers do, so that a port closed a moment ago counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, number))
            except PermissionError:
                return (
                    f"Port {number} needs more rights than you have: choose one above 1023, such as make app PORT=8501."
                )
            except OSError:
                other = number + 1 if number < 65535 else 8501
                return f"Port {number} is taken, perhaps by this app in another window: try make app PORT={other}."
    return None


if __name__ == "__main__":
    if found := problem(sys.argv[1]):
        sys.exit(found)
