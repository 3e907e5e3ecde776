"""cmake --install brings what programs need: the examples build over it, by find_package and by
pkg-config, and answer."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
MODEL = ROOT / "models" / "troika-demo.gguf"


def run(*command, **options):
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True, **options
    ).stdout


@unittest.skipUnless((BUILD / "libtroika.so").exists(), "build/release is not built")
class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.library = next(cls.prefix.rglob("libtroika.so")).parent

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_the_installed_program_runs(self):
        self.assertIn("Usage", run(self.prefix / "bin" / "troika", "--help"))

    def test_examples_build_by_find_package_and_answer(self):
        build = self.folder / "examples"
        run("cmake", "-S", ROOT / "examples", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        one = run(build / "generate", MODEL, "What is 12 + 30?")
        self.assertIn("42", one)
        several = run(build / "several", MODEL, "What is 12 + 30?", "What is 7 + 5?")
        self.assertIn(one.strip(), several)
        self.assertIn("12", several)

    def test_pkg_config_names_the_library(self):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.library / "pkgconfig"))
        flags = run(
            "pkg-config", "--define-variable", f"prefix={self.prefix}", "--cflags", "--libs",
            "troika", env=environment,
        ).split()
        program = self.folder / "by_pkg_config"
        source = ROOT / "examples" / "c" / "generate.c"
        run("cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", program, source, *flags)
        answer = run(
            program, MODEL, "What is 7 + 5?", env=dict(os.environ, LD_LIBRARY_PATH=self.library)
        )
        self.assertIn("12", answer)

    def test_only_the_interface_is_visible(self):
        symbols = run("nm", "-D", "--defined-only", self.library / "libtroika.so")
        names = {line.split()[-1].split("@")[0] for line in symbols.splitlines()}
        others = {name for name in names if not name.startswith("troika_")}
        self.assertEqual(others, set())
        header = (ROOT / "include" / "troika.h").read_text()
        for name in names:
            self.assertIn(f"{name}(", header)


if __name__ == "__main__":
    unittest.main()
