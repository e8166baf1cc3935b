"""Nothing runs with more than it needs, and no secret lies in a file of the repository."""

import json
import re
import shutil
import subprocess
import unittest

import yaml

from server import DEPLOY, ROOT

UNIT = """NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes PrivateUsers=yes
ProtectKernelTunables=yes ProtectKernelModules=yes ProtectKernelLogs=yes ProtectControlGroups=yes ProtectClock=yes
ProtectHostname=yes ProtectProc=invisible RestrictNamespaces=yes RestrictRealtime=yes RestrictSUIDSGID=yes
LockPersonality=yes MemoryDenyWriteExecute=yes SystemCallArchitectures=native CapabilityBoundingSet= UMask=0077
User=conclave StateDirectory=conclave LimitNOFILE=1048576 LimitCORE=0
RestrictAddressFamilies=AF_INET|AF_INET6|AF_UNIX""".split()
EXPOSURE_MAX = 2.0
POD = """runAsNonRoot: true|readOnlyRootFilesystem: true|allowPrivilegeEscalation: false|drop: [ALL]
type: RuntimeDefault|automountServiceAccountToken: false|enableServiceLinks: false""".replace("\n", "|").split("|")


class Hardening(unittest.TestCase):
    def test_unit(self):
        lines = (DEPLOY / "systemd/conclave.service").read_text().splitlines()
        for flag in UNIT:
            self.assertIn(flag.replace("|", " "), lines)
        stop = re.search(r"(?m)^TimeoutStopSec=(\d+)s$", "\n".join(lines))
        self.assertGreater(int(stop[1]), drain_seconds(DEPLOY / "conclave.toml"))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not here")
    def test_unit_is_hardly_exposed(self):
        command = ["systemd-analyze", "security", "--offline=yes", str(DEPLOY / "systemd/conclave.service")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        exposure = re.search(r"exposure level.*: ([0-9.]+)", done.stdout)
        if exposure is None:
            self.skipTest("this systemd-analyze does not look at files: " + done.stderr)
        self.assertLess(float(exposure[1]), EXPOSURE_MAX)

    def test_image(self):
        text = (DEPLOY / "Dockerfile").read_text()
        self.assertIn("USER 65532:65532", text)
        self.assertIn('CMD ["/usr/bin/conclave", "health"]', text)
        self.assertRegex(text, r"FROM gcr\.io/distroless/\S+:nonroot")
        version = re.search(r'rust-version = "([0-9.]+)"', (ROOT / "Cargo.toml").read_text())[1]
        self.assertIn(f"FROM rust:{version}-", text)
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        self.assertIn("*", ignored)
        for needed in ("!Cargo.toml", "!Cargo.lock", "!crates", "!bench/yardsticks", "!bench/results.json", "!deploy/container.toml"):
            self.assertIn(needed, ignored)

    def test_compose(self):
        compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        services = compose["services"]
        self.assertEqual({"conclave-1", "conclave-2", "haproxy", "postgres", "redis"}, set(services))
        for name, service in services.items():
            with self.subTest(name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertNotIn("privileged", service)
                self.assertNotIn("cap_add", service)
                for secret in service.get("secrets", []):
                    named = secret["source"] if isinstance(secret, dict) else secret
                    self.assertIn(named, compose["secrets"])
                for variable, value in service.get("environment", {}).items():
                    if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
                        self.assertTrue(str(value).startswith("/run/secrets/"), variable)
        for secret in compose["secrets"].values():
            self.assertTrue(secret["file"].startswith("./compose/secrets/"))
        for name in ("conclave-1", "conclave-2", "postgres", "redis"):
            self.assertIn("healthcheck", services[name])
        self.assertIn("/deploy/compose/secrets", (ROOT / ".gitignore").read_text().splitlines())

    def test_chart(self):
        chart = DEPLOY / "helm/conclave"
        values = yaml.safe_load((chart / "values.yaml").read_text())
        schema = json.loads((chart / "values.schema.json").read_text())
        self.assertIs(schema["additionalProperties"], False)
        self.assertEqual(set(values) - set(schema["properties"]), set())
        for name, value in values.items():
            allowed = schema["properties"][name].get("properties")
            if isinstance(value, dict) and allowed:
                self.assertEqual(set(value), set(allowed), name)
        used = {
            match
            for template in chart.glob("templates/*")
            for match in re.findall(r"\.Values\.([a-zA-Z]+)", template.read_text())
        }
        self.assertEqual(used, set(values), "every value is used, and only these are")
        pod = (chart / "templates/statefulset.yaml").read_text()
        for flag in POD:
            self.assertIn(flag, pod)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe", "preStop", "terminationGracePeriodSeconds"):
            self.assertIn(probe, pod)
        metadata = yaml.safe_load((chart / "Chart.yaml").read_text())
        version = re.search(r'(?m)^version = "([0-9.]+)"', (ROOT / "Cargo.toml").read_text())[1]
        self.assertEqual(metadata["appVersion"], version)

    def test_proxies_believe_no_client(self):
        haproxy = (DEPLOY / "haproxy/haproxy.cfg").read_text()
        for line in ("del-header X-Forwarded-For", "del-header Forwarded", "option forwardfor", "/health/ready"):
            self.assertIn(line, haproxy)
        nginx = (DEPLOY / "nginx/conclave.conf").read_text()
        for line in ("X-Forwarded-For $remote_addr;", 'Forwarded "";', "location = /metrics", "location /health/"):
            self.assertIn(line, nginx)
        silence = 60
        for seconds in (re.search(r"timeout tunnel (\d+)s", haproxy)[1], re.search(r"proxy_read_timeout (\d+)s", nginx)[1]):
            self.assertGreater(int(seconds), silence)

    def test_no_key_lies_here(self):
        for path in DEPLOY.rglob("*"):
            if path.is_file() and "secrets" not in path.parts:
                self.assertNotRegex(path.read_text(), r"BEGIN [A-Z ]*PRIVATE KEY-----\n", path)


def drain_seconds(path):
    return int(re.search(r"(?m)^drain_seconds = (\d+)", path.read_text())[1])


if __name__ == "__main__":
    unittest.main()
