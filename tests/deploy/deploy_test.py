"""What is deployed with: the service's unit, proxies' and Kubernetes' files, the Debian package.
Each is held by the program that will read it, where that one is installed."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BUILD = ROOT / "build" / "release"
PROGRAM = BUILD / "troika"


def run(*command, **options):
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )


def serve_help():
    """Empty where the program is not built or does not serve."""
    if not PROGRAM.exists():
        return ""
    answer = run(PROGRAM, "serve", "--help")
    return answer.stdout if answer.returncode == 0 else ""


class UnitTest(unittest.TestCase):
    def setUp(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("no systemd-analyze")
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        text = (DEPLOY / "systemd" / "troika.service").read_text(encoding="utf-8")
        self.unit = pathlib.Path(self.folder.name) / "troika.service"
        self.unit.write_text(text.replace("/usr/bin/troika", "/bin/true"), encoding="utf-8")

    def test_systemd_understands_every_line(self):
        answer = run("systemd-analyze", "verify", "--man=no", self.unit)
        ours = [line for line in answer.stderr.splitlines() if "troika.service" in line]
        self.assertEqual(ours, [])

    def test_it_is_little_exposed(self):
        answer = run("systemd-analyze", "security", "--offline=yes", "--no-pager", self.unit)
        level = re.search(r"exposure level for troika.service: ([\d.]+)", answer.stdout)
        if level is None:
            self.skipTest("this systemd-analyze rates no files")
        self.assertLessEqual(float(level[1]), 1.5)


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def certificate(self):
        if shutil.which("openssl") is None:
            self.skipTest("no openssl")
        key, chain = self.path / "key.pem", self.path / "chain.pem"
        run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=test",
            "-days",
            "2",
            "-keyout",
            key,
            "-out",
            chain,
        )
        (self.path / "both.pem").write_text(key.read_text() + chain.read_text(), encoding="utf-8")
        return key, chain

    def test_nginx_takes_its_file(self):
        if shutil.which("nginx") is None:
            self.skipTest("no nginx")
        key, chain = self.certificate()
        text = (DEPLOY / "nginx" / "troika.conf").read_text(encoding="utf-8")
        text = text.replace("/etc/ssl/certs/troika.pem", str(chain))
        text = text.replace("/etc/ssl/private/troika.key", str(key))
        (self.path / "troika.conf").write_text(text, encoding="utf-8")
        whole = self.path / "nginx.conf"
        whole.write_text(
            f"pid {self.path}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; include {self.path}/troika.conf; }}\n",
            encoding="utf-8",
        )
        answer = run("nginx", "-t", "-p", self.path, "-c", whole)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertNotIn("[warn] conflicting", answer.stderr)

    def test_haproxy_takes_its_file(self):
        if shutil.which("haproxy") is None:
            self.skipTest("no haproxy")
        self.certificate()
        text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
        whole = self.path / "haproxy.cfg"
        whole.write_text(
            text.replace("/etc/haproxy/certs/troika.pem", f"{self.path}/both.pem"), encoding="utf-8"
        )
        answer = run("haproxy", "-c", "-f", whole)
        self.assertEqual(answer.returncode, 0, answer.stderr)


class FilesTest(unittest.TestCase):
    def test_kustomization_names_every_manifest(self):
        folder = DEPLOY / "kubernetes"
        listed = re.findall(
            r"^  - ([\w-]+\.yaml)$", (folder / "kustomization.yaml").read_text(), re.MULTILINE
        )
        there = [path.name for path in folder.glob("*.yaml") if path.name != "kustomization.yaml"]
        self.assertEqual(sorted(listed), sorted(there))

    def test_manifests_are_yaml(self):
        try:
            import yaml  # only where it is installed
        except ImportError:
            self.skipTest("no python3-yaml")
        for path in (DEPLOY / "kubernetes").glob("*.yaml"):
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                self.assertIn("kind", document, path.name)

    def test_files_that_are_named_are_there(self):
        text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
        for name in re.findall(r"`((?:nginx|haproxy|kubernetes|systemd)/[\w./-]*)`", text):
            self.assertTrue((DEPLOY / name).exists(), name)

    @unittest.skipUnless(serve_help(), "build/release/troika does not serve")
    def test_flags_of_the_server_are_its_flags(self):
        known = set(re.findall(r"--[a-z][\w-]+", serve_help()))
        texts = [(DEPLOY / "systemd" / "troika.env"), (DEPLOY / "kubernetes" / "replicas.yaml")]
        for path in texts:
            used = set(re.findall(r"(?:^|\s)(--[a-z][\w-]+)", path.read_text(), re.MULTILINE))
            self.assertEqual(used - known, set(), path.name)


@unittest.skipUnless(
    PROGRAM.exists() and (BUILD / "libtroika.so").exists(), "build/release is not built"
)
@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "no dpkg-dev")
class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        answer = run("cpack", "-G", "DEB", "-B", cls.folder.name, cwd=BUILD)
        cls.said = answer.stdout + answer.stderr
        cls.package = next(pathlib.Path(cls.folder.name).glob("troika_*.deb"), None)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_it_holds_the_program_and_its_service(self):
        self.assertIsNotNone(self.package, self.said)
        listing = run("dpkg-deb", "--contents", self.package).stdout
        for path in (
            "./usr/bin/troika",
            "./usr/lib/systemd/system/troika.service",
            "./usr/lib/sysusers.d/troika.conf",
            "./usr/share/troika/troika.env",
            "./usr/share/troika/troika-demo.gguf",
            "./usr/share/doc/troika/SECURITY.md",
        ):
            self.assertRegex(listing, re.escape(path) + r"\n")
        self.assertNotRegex(listing, r"-....w|d....w|-.......w", "writable for others")

    def test_its_description_says_what_it_needs(self):
        self.assertIsNotNone(self.package, self.said)
        fields = run("dpkg-deb", "--field", self.package).stdout
        self.assertIn("libc6", fields)
        self.assertIn("libpcre2-8-0", fields)
        with tempfile.TemporaryDirectory() as folder:
            run("dpkg-deb", "--control", self.package, folder)
            control = pathlib.Path(folder)
            for script in ("postinst", "prerm", "postrm"):
                self.assertEqual(run("sh", "-n", control / script).returncode, 0)


if __name__ == "__main__":
    unittest.main()
