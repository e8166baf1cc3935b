"""What the end-to-end tests have and the cluster uses too."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "clients"))

import rooms  # noqa: E402
import socket_io  # noqa: E402
import web  # noqa: E402
import wire  # noqa: E402
from node import clean_environment, free_port  # noqa: E402

__all__ = ["clean_environment", "free_port", "rooms", "socket_io", "web", "wire"]
