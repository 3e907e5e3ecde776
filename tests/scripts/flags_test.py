"""Documents and deployment files name only flags that there are, and all that a server has."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "troika"
FLAG = re.compile(r"(?<![-\w])--[a-z][a-z0-9-]*")
COMMANDS = ("run", "chat", "serve", "inspect", "tokenize", "logits", "embed", "bench", "inflate",
            "tenant", "plan")
TENANT_ACTIONS = ("add", "list", "rotate-key", "limit", "remove", "usage")
# What the documents show of other programs, in lines or spans of code that begin with their names.
OTHERS = re.compile(
    r"^[(\s$]*(?:sudo )?(?:cmake|ctest|cpack|docker|kubectl|python3|scripts/|build/|useradd|"
    r"adduser|addgroup|apt|systemctl|nginx|openssl|mpirun|qemu|git|cc|c\+\+|pkg-config|ENTRYPOINT|"
    r"RUN)")


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True,
                          check=True).stdout


def documents():
    yield from sorted((ROOT / "docs").glob("*.md"))
    yield ROOT / "README.md"
    yield ROOT / "SECURITY.md"
    yield from (path for path in sorted((ROOT / "deploy").rglob("*")) if path.is_file())


def named_flags(text):
    """Flags of this program, line by line; what stands behind `troika` belongs to it again."""
    for line in text.splitlines():
        for part in line.split("`"):
            if OTHERS.match(part):
                behind = re.search(r"\btroika (?:%s)\b" % "|".join(COMMANDS), part)
                part = part[behind.start():] if behind else ""
            yield from FLAG.findall(part)


@unittest.skipUnless(PROGRAM.exists(), "build/release has no troika")
class FlagsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        listed = {command: set(FLAG.findall(help_of(command))) for command in COMMANDS}
        for action in TENANT_ACTIONS:
            listed["tenant " + action] = set(FLAG.findall(help_of("tenant", action)))
        cls.listed = listed
        cls.all = set().union(*listed.values()) | {"--version"}

    def test_documents_name_flags_that_there_are(self):
        # Of scripts, of the tests' programs and of other programs, where prose names them.
        others = {"--tests", "--fuzz", "--sanitize", "--arm", "--fix", "--clang-tidy", "--svg",
                  "--set", "--cpuset-cpus"}
        for path in documents():
            named = set(named_flags(path.read_text(encoding="utf-8"))) - others
            if path.parent.name == "debian":  # scripts for dpkg
                continue
            self.assertEqual(named - self.all, set(), path.relative_to(ROOT))

    def test_commands_are_shown_with_flags_of_their_own(self):
        shown = re.compile(r"\btroika (tenant (?:%s)|%s)\b([^`\n]*(?:\\\n[^`\n]*)*)"
                           % ("|".join(TENANT_ACTIONS), "|".join(COMMANDS)))
        for path in documents():
            for command, rest in shown.findall(path.read_text(encoding="utf-8")):
                rest = re.split(r"  +\S|\s#\s|\s&&\s|\|", rest.replace("\\\n", " "))[0]
                wrong = set(FLAG.findall(rest)) - self.listed[command]
                self.assertEqual(wrong, set(), f"{path.relative_to(ROOT)}: troika {command}")

    def test_all_that_a_server_may_be_told_is_documented(self):
        text = "".join(path.read_text(encoding="utf-8")
                       for path in documents() if path.suffix == ".md")
        documented = set(FLAG.findall(text))
        # One of the names that a flag has is enough.
        entries = re.findall(r"^ {2}(-[-\w,]+)", help_of("serve"), re.MULTILINE)
        self.assertGreater(len(entries), 40)
        for entry in entries:
            names = [name for name in entry.split(",") if name.startswith("--")]
            self.assertTrue(documented.intersection(names), entry)


if __name__ == "__main__":
    unittest.main()
