"""Each rule of scripts/tidy catches a violation, and lets pass what is right."""

import importlib.machinery
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "tidy"


def load(path):
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
tidy = load(SCRIPT)


class TidyTest(unittest.TestCase):
    def found(self, rule, files):
        """What `rule` says of a tree of `files` (path: text), as "path:line"."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                full = pathlib.Path(folder, path)
                full.parent.mkdir(parents=True, exist_ok=True)
                full.write_text(text)
            violations = tidy.check(tidy.Tree(folder), [rule])
        for violation in violations:
            self.assertEqual(violation[2], rule)
        return [f"{path}:{line}" for path, line, _, _ in violations]

    def include(self, path, name):
        return self.found("layering", {path: f"#include {name}\n"})

    def test_layering_is_downward(self):
        self.assertEqual(self.include("src/gguf/a.cc", '"engine/b.h"'), ["src/gguf/a.cc:1"])
        self.assertEqual(self.include("src/engine/a.cc", '"gguf/b.h"'), [])
        self.assertEqual(self.include("src/core/a.cc", '"core/b.h"'), [])

    def test_layering_knows_no_other_modules(self):
        self.assertEqual(self.include("src/extra/a.cc", "<vector>"), ["src/extra/a.cc:1"])

    def test_layering_keeps_devices_and_threads_from_models(self):
        self.assertEqual(self.include("src/model/a.h", '"device/device.h"'), ["src/model/a.h:1"])
        self.assertEqual(self.include("src/model/a.h", '"core/thread_pool.h"'), ["src/model/a.h:1"])
        self.assertEqual(self.include("src/model/families/a.cc", "<mutex>"),
                         ["src/model/families/a.cc:1"])
        self.assertEqual(self.include("src/engine/a.h", "<mutex>"), [])

    def test_layering_keeps_kinds_of_device_apart(self):
        self.assertEqual(self.include("src/engine/a.cc", '"device/cpu/b.h"'), ["src/engine/a.cc:1"])
        self.assertEqual(self.include("src/device/a.cc", '"device/cpu/b.h"'), ["src/device/a.cc:1"])
        self.assertEqual(self.include("src/device/cpu/a.cc", '"device/reference/b.h"'),
                         ["src/device/cpu/a.cc:1"])
        self.assertEqual(self.include("src/device/cpu/kernels/a.cc", '"device/cpu/b.h"'), [])
        self.assertEqual(self.include("src/engine/a.cc", '"device/device.h"'), [])
        self.assertEqual(self.include("src/cli/a.cc", '"device/cpu/b.h"'), [])

    def test_layering_keeps_tensors_from_the_server(self):
        self.assertEqual(self.include("src/serve/a.cc", '"graph/tensor.h"'), ["src/serve/a.cc:1"])

    def test_includes_exist(self):
        files = {"src/core/a.cc": '#include "core/b.h"\n#include "core/c.h"\n', "src/core/b.h": ""}
        self.assertEqual(self.found("includes", files), ["src/core/a.cc:2"])

    def test_isa_files_include_their_contract_only(self):
        kernels = "src/device/cpu/kernels/"
        files = {
            kernels + "m_avx512.cc": '#include <immintrin.h>\n#include <vector>\n'
                                     '#include "device/cpu/kernels/m.h"\n#include "core/half.h"\n',
            kernels + "m.h": "#include <cstdint>\n#include <algorithm>\n",
            kernels + "m_scalar.cc": "#include <vector>\n",
            "src/core/half.h": "",
        }
        self.assertEqual(self.found("isa", files),
                         [kernels + "m.h:2", kernels + "m_avx512.cc:2", kernels + "m_avx512.cc:4"])

    def test_columns(self):
        files = {"src/core/a.cc": "//" + "x" * 98 + "\n//" + "é" * 99 + "\n",
                 "scripts/run": "#!/bin/bash\n#" + "x" * 100 + "\n", "docs/a.md": "x" * 200}
        self.assertEqual(self.found("columns", files), ["scripts/run:2", "src/core/a.cc:2"])

    def test_size(self):
        files = {"src/core/a.cc": "\n" * 801, "src/core/a_table.cc": "\n" * 1200,
                 "src/core/b.cc": "\n" * 800, "src/core/c_test.cc": "\n" * 1201}
        expected = ["src/core/a.cc:801", "src/core/c_test.cc:1201"]
        self.assertEqual(self.found("size", files), expected)

    def test_function(self):
        def body(lines):
            return "void f() {\n" + "  g();\n" * (lines - 2) + "}\n"

        files = {"src/core/a.cc": body(70) + "\n" + body(71), "src/core/b.cc":
                 "const int k[] = {\n" + "  1,\n" * 100 + "};\n"}
        self.assertEqual(self.found("function", files), ["src/core/a.cc:72"])

    def test_pragma(self):
        files = {"src/core/a.h": "// About.\n#pragma once\n", "src/core/b.h": "#include <vector>\n"}
        self.assertEqual(self.found("pragma", files), ["src/core/b.h:1"])

    def test_unfinished(self):
        mark = "TO" + "DO"
        files = {"src/core/a.cc": f"// {mark}: later\n// {mark}(#12): with an issue\n",
                 "scripts/a.py": f"# FIX{'ME'} soon\n"}
        self.assertEqual(self.found("unfinished", files), ["scripts/a.py:1", "src/core/a.cc:1"])

    def test_environment(self):
        line = 'const char* home = std::getenv("HOME");\n'
        files = {"src/core/a.cc": line, "src/cli/a.cc": line, "src/core/b.cc": "// no getenv\n"}
        self.assertEqual(self.found("environment", files), ["src/core/a.cc:1"])

    def test_exceptions(self):
        files = {"src/core/a.cc": 'throw 1;\nlog("throw");  // throw\n',
                 "tests/a/b.cc": "throw 1;\n"}
        self.assertEqual(self.found("exceptions", files), ["src/core/a.cc:1"])

    def test_names(self):
        files = {"src/core/utils.h": "", "src/core/MyFile.cc": "", "src/core/half.h": ""}
        self.assertEqual(self.found("names", files), ["src/core/MyFile.cc:1", "src/core/utils.h:1"])

    def test_paths(self):
        home = "/ho" + "me/someone/file"
        files = {"docs/a.md": f"See {home}.\n", "src/core/a.cc": f'open("{home}");\n',
                 "scripts/b": '#!/bin/bash\ncd "$1/work/x" /tmp/work/x\n'}
        self.assertEqual(self.found("paths", files), ["docs/a.md:1", "src/core/a.cc:1"])

    def test_dead(self):
        files = {
            "CMakeLists.txt": "troika_module(core)\ntroika_module(device/cpu)\n",
            "fuzz/CMakeLists.txt": "troika_fuzz(gguf)\n",
            "fuzz/gguf_fuzz.cc": "", "fuzz/http_fuzz.cc": "",
            "src/core/a.cc": '#include "core/used.h"\n',
            "src/core/used.h": "", "src/core/unused.h": "",
            "src/device/cpu/kernels/a.cc": "", "src/device/cpu/lost/a.cc": "",
            "src/text/a.cc": "",
            "tests/one/a_test.cc": "", "tests/a_test.cc": "", "tests/one/two/a_test.cc": "",
        }
        self.assertEqual(self.found("dead", files), [
            "fuzz/http_fuzz.cc:1", "src/core/unused.h:1", "src/device/cpu/lost/a.cc:1",
            "src/text/a.cc:1", "tests/a_test.cc:1", "tests/one/two/a_test.cc:1"])

    def test_tests(self):
        files = {"src/core/a_test.cc": "int x;\n", "src/core/b_test.cc": "TEST_F(A, B) {}\n",
                 "tests/one/a_test.cc": "TEST(A, B) {}\n", "tests/one/rig.cc": "",
                 "tests/two/a_test.cc": "", "tests/support/rig.h": "",
                 "tests/arm/a.cc": "  suite.run(name, body);\n"}
        expected = ["src/core/a_test.cc:1", "tests/two/a_test.cc:1"]
        self.assertEqual(self.found("tests", files), expected)

    def test_dependencies(self):
        files = {"scripts/packages.txt": "# list\nbuild cmake\nbuild ninja-build\n",
                 "docs/dependencies.md": "- `cmake`: builds.\n"}
        self.assertEqual(self.found("dependencies", files), ["scripts/packages.txt:3"])

    @unittest.skipUnless(shutil.which("clang-format"), "clang-format is not installed")
    def test_format(self):
        files = {"src/core/a.cc": "int  x;\n", "src/core/b.cc": "int x;\n"}
        self.assertEqual(self.found("format", files), ["src/core/a.cc:1"])

    @unittest.skipUnless(shutil.which("g++"), "g++ is not installed")
    def test_alone(self):
        files = {"src/core/a.h": "#pragma once\nstd::string s();\n",
                 "src/core/b.h": "#pragma once\n#include <string>\nstd::string s();\n",
                 "src/core/c.h": "struct Twice {};\n"}
        self.assertEqual(self.found("alone", files), ["src/core/a.h:1", "src/core/c.h:1"])

    def test_alone_takes_the_compiler_of_the_processor(self):
        # Found where a cross compiler is installed, passed over elsewhere; never given to g++.
        files = {"src/core/a.h": "#pragma once\n#include <arm_neon.h>\n",
                 "src/core/b.h": "#pragma once\n#include \"core/a.h\"\nstd::string s();\n"}
        is_there = shutil.which("aarch64-linux-gnu-g++") is not None
        self.assertEqual(self.found("alone", files), ["src/core/b.h:1"] if is_there else [])

    def test_every_rule_has_a_test(self):
        tested = {name.removeprefix("test_").split("_")[0] for name in dir(self)}
        self.assertEqual(set(tidy.RULES) - tested, set())

    def test_wrong_usage(self):
        result = subprocess.run([SCRIPT, "--nonsense"], capture_output=True, check=False)
        self.assertEqual(result.returncode, 2)


if __name__ == "__main__":
    unittest.main()
