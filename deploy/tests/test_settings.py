"""The server takes every configuration in here, and knows every key and variable that is named."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import unittest

import server
from server import DEPLOY, ROOT


class Settings(unittest.TestCase):
    def taken(self, config):
        with tempfile.TemporaryDirectory() as folder:
            done = server.check(config, pathlib.Path(folder))
        self.assertEqual(done.returncode, 0, done.stderr + config)
        self.assertTrue(done.stdout.endswith("ok\n"), done.stdout)

    def test_files(self):
        for name in ("conclave.toml", "container.toml"):
            self.taken((DEPLOY / name).read_text())

    def test_commented_sections(self):
        text = (DEPLOY / "conclave.toml").read_text()
        self.taken(re.sub(r"(?m)^# (\[|url|revocations)", r"\1", text))

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not here")
    def test_made_secrets(self):
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(shutil.copy(DEPLOY / "compose/make-secrets", folder))
            made = pathlib.Path(folder) / "secrets"
            for _ in range(2):
                subprocess.run([script, "chat.example.com"], check=True, capture_output=True)
                config = (made / "conclave.toml").read_text()
            self.assertEqual(made.stat().st_mode & 0o777, 0o700)
            password = (made / "postgres.password").read_text().strip()
            self.assertGreaterEqual(len(password), 64)
            self.assertIn(f":{password}@postgres", config)
            self.assertIn((made / "redis.password").read_text().strip(), (made / "redis.conf").read_text())
            self.taken(config)

    def test_chart(self):
        template = (DEPLOY / "helm/conclave/templates/configmap.yaml").read_text()
        text = template.partition("conclave.toml: |\n")[2]
        text = re.sub(r"(?m)^ *\{\{-.*\}\}\n", "", text)
        text = text.replace("{{ int .Values.drainSeconds }}", "30").replace("{{ . | toJson }}", '"x"')
        text = re.sub(r"\{\{ [^}]* \| toJson \}\}", "[]", text)
        self.taken(textwrap.dedent(text))

    def test_variables(self):
        keys, checked = server.keys(), set()
        self.assertIn("store.url", keys)
        for path in [*DEPLOY.rglob("*"), ROOT / "docs/operations.md", ROOT / "docs/scaling.md"]:
            if not path.is_file() or "tests" in path.parts or "secrets" in path.parts:
                continue
            for name in re.findall(r"\bCONCLAVE_([A-Z]+(?:__[A-Z_0-9]+)+)", path.read_text()):
                section, *rest = name.lower().split("__")
                key = ".".join([section, *(part for part in rest if not part.isdigit())])
                self.assertIn(key, keys, path)
                checked.add(key)
        self.assertIn("bus.url", checked)

    def test_keys_of_the_manual(self):
        keys = server.keys()
        sections = {key.split(".")[0] for key in keys}
        text = (ROOT / "docs/operations.md").read_text() + (ROOT / "docs/scaling.md").read_text()
        for key in re.findall(r"`([a-z]+\.[a-z_.]+)`", text):
            if key.split(".")[0] in sections and not key.endswith((".toml", ".key", ".log", ".db", ".conf")):
                self.assertIn(key, keys)


if __name__ == "__main__":
    unittest.main()
