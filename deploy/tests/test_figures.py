"""Dashboard and alerts speak of metrics that the server has."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

import server
from server import DEPLOY, ROOT


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.exposed = server.metrics(pathlib.Path(folder))

    def check(self, texts):
        named = set(re.findall(r"\bconclave_[a-z_]+\b", "\n".join(texts)))
        self.assertTrue(named)
        self.assertEqual(named - self.exposed, set(), "no such metric")
        return named

    def test_dashboard(self):
        dashboard = json.loads((DEPLOY / "grafana/conclave.json").read_text())
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        texts = [target["expr"] for panel in panels for target in panel["targets"]]
        texts += [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
        shown = self.check(texts)
        self.assertEqual(self.exposed - shown, set(), "shown nowhere")
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))

    def test_alerts(self):
        groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.check([rule["expr"] for rule in rules])
        manual = (ROOT / "docs/operations.md").read_text()
        for rule in rules:
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"), rule["alert"])
            self.assertIn(f"`{rule['alert']}`", manual)

    def test_manual(self):
        self.check([(ROOT / "docs/operations.md").read_text()])

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not here")
    def test_prometheus_takes_the_rules(self):
        folder = DEPLOY / "prometheus"
        for command in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
            done = subprocess.run(["promtool", *command], cwd=folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
