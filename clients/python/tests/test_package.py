"""The package as others get it: typed, built, installed."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

PACKAGE = pathlib.Path(__file__).resolve().parents[1]


def run(*command: str, cwd: pathlib.Path = PACKAGE) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, timeout=300
    )


class Package(unittest.TestCase):
    def test_it_passes_mypy_strict(self) -> None:
        with tempfile.TemporaryDirectory() as cache:
            done = run("-m", "mypy", f"--cache-dir={cache}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_wheel_holds_the_types_and_the_command(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            done = run("-m", "hatchling", "build", "-t", "wheel", "-d", folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            (wheel,) = pathlib.Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as packed:
                names = packed.namelist()
                entries = next(name for name in names if name.endswith("entry_points.txt"))
                self.assertIn("conclave-client = conclave_client.cli:run", packed.read(entries).decode())
                packed.extractall(folder)
            self.assertIn("conclave_client/py.typed", names)
            self.assertFalse([name for name in names if "test" in name])
            done = run("-m", "conclave_client", "--help", cwd=pathlib.Path(folder))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("exit codes", done.stdout)


if __name__ == "__main__":
    unittest.main()
