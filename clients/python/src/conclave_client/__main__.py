"""`python -m conclave_client`."""

from .cli import run

run()
