"""The program on ranks of MPI on this machine: what it answers, what it refuses, and what becomes
of it when a rank dies or stands still."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import ranks
from ranks import MODEL, PROGRAM, SECONDS_MAX, Job, alone, answer, mpirun, run, troika


class MpiTest(unittest.TestCase):
    def setUp(self):
        if reason := ranks.reason_to_skip():
            self.skipTest(reason)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def errors_of(self, *command):
        """Lines of the program on stderr of a run that must fail."""
        process = run(*command, timeout=SECONDS_MAX)
        self.assertNotEqual(process.returncode, 0, process.stdout)
        self.assertEqual(process.stdout, "")
        return [line for line in process.stderr.splitlines() if line.startswith("troika: ")]


class AnswersTest(MpiTest):
    def test_any_number_of_ranks_answers_as_one_process(self):
        for number, flags in ((1, []), (2, []), (2, ["--split", "3,1"]), (4, []),
                              (4, ["--split", "1,0,3,1"])):
            with self.subTest(ranks=number, flags=flags):
                facts = answer(*mpirun(number), *troika("--device", "mpi", *flags))
                self.assertEqual(json.dumps(facts, sort_keys=True, default=str), alone())

    def test_shares_by_measured_speeds_change_nothing(self):
        flags = ["--device", "mpi", "--split", "auto"]
        process = run(*mpirun(2), *troika(*flags))
        self.assertEqual(process.returncode, 0, process.stderr)
        told = re.findall(r"^troika: split (\d),(\d): rank 0 on \S+ [\d.]+ GB/s, rank 1 on \S+ "
                          r"[\d.]+ GB/s$", process.stderr, re.MULTILINE)
        self.assertEqual(len(told), 1, process.stderr)
        self.assertEqual(process.stdout, run(*troika()).stdout)

    def test_drafts_and_noise_change_nothing(self):
        flags = ["--spec-type", "mtp", "--temp", "1", "--seed", "5"]
        wanted = answer(*troika(*flags))
        self.assertIn("text", wanted)
        self.assertEqual(answer(*mpirun(2), *troika("--device", "mpi", *flags)), wanted)

    def test_only_rank_0_is_heard(self):
        one = run(*troika())
        four = run(*mpirun(4), *troika("--device", "mpi"))
        self.assertEqual(four.returncode, 0, four.stderr)
        self.assertEqual(four.stdout, one.stdout)
        self.assertEqual(four.stderr.count("tokens/s"), one.stderr.count("tokens/s"))

    def test_the_exit_status_is_that_of_rank_0(self):
        lines = self.errors_of(*mpirun(2), PROGRAM, "run", MODEL, "-p", "x " * 400, "-c", "256",
                               "--device", "mpi")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("tokens and the context 256", lines[0])


class RefusalsTest(MpiTest):
    def two(self, first, second):
        """Rank 0 runs one command line, rank 1 the other."""
        return self.errors_of(*mpirun(1), *first, ":", "-n", 1, *second)

    def test_shares_are_those_of_the_ranks(self):
        lines = self.errors_of(*mpirun(2), *troika("--device", "mpi", "--split", "1,1,1"))
        self.assertEqual(lines, ["troika: 3 shares for 2 ranks"])

    def test_processors_are_for_mpirun_to_say(self):
        lines = self.errors_of(*mpirun(2), *troika("--device", "mpi", "--cpus", "0"))
        self.assertIn("--bind-to core", lines[0])

    def test_a_rank_with_another_model_is_refused(self):
        other = self.path / "other.gguf"
        content = bytearray(MODEL.read_bytes())
        content[-1] ^= 1
        other.write_bytes(content)
        lines = self.two(troika("--device", "mpi"), troika("--device", "mpi", model=other))
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], "rank 1 on .* has another model than rank 0")

    def test_a_copy_of_the_model_is_the_same(self):
        copy = self.path / "copy.gguf"
        shutil.copy(MODEL, copy)
        facts = answer(*mpirun(1), *troika("--device", "mpi", "--json"), ":", "-n", 1,
                       *troika("--device", "mpi", model=copy))
        self.assertEqual(json.dumps(facts, sort_keys=True, default=str), alone())

    def test_a_rank_without_the_model_is_refused(self):
        lines = self.two(troika("--device", "mpi"), troika("--device", "mpi", model="none.gguf"))
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], "rank 1 on .* cannot begin: .*none.gguf")

    def test_a_rank_of_another_build_is_refused(self):
        other = self.path / "troika"
        shutil.copy(PROGRAM, other)
        with other.open("ab") as file:
            file.write(b"!")
        lines = self.two(troika("--device", "mpi"), troika("--device", "mpi", program=other))
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], "rank 1 on .* runs troika .* wanted the same program")

    def test_other_commands_say_that_they_cannot(self):
        ids = self.path / "ids.txt"
        ids.write_text("1 2 3", encoding="utf-8")
        lines = self.errors_of(PROGRAM, "logits", MODEL, "--tokens", ids, "--device", "mpi",
                               "--out", self.path / "x.npy")
        self.assertIn("wanted run, chat or serve", lines[-1])


def gone(pid):
    """Whether a process ends in time; one that nobody has asked about yet has ended, too."""
    for _ in range(10 * SECONDS_MAX):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return True
        if state.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


class FailuresTest(MpiTest):
    def start(self, *command):
        job = Job(command)
        self.addCleanup(job.kill)
        return job

    def long_run(self, *flags, number=2):
        """A text that would take minutes, under way."""
        job = self.start(*mpirun(number), *ranks.long_text(*flags))
        job.process.stdout.read(1)
        return job

    def test_a_rank_that_is_killed_ends_all(self):
        job = self.long_run()
        begin = time.monotonic()
        os.kill(job.rank(1), signal.SIGKILL)
        self.assertNotEqual(job.end(), 0)
        self.assertLess(time.monotonic() - begin, 30)
        self.assertRegex("".join(job.lines), "rank|process|signal")

    def test_rank_0_that_is_killed_ends_all(self):
        job = self.long_run()
        follower = job.rank(1)
        os.kill(job.rank(0), signal.SIGKILL)
        self.assertNotEqual(job.end(), 0)
        self.assertTrue(gone(follower))

    def test_rank_0_that_stands_still_is_missed(self):
        job = self.long_run("--mpi-timeout", "2")
        os.kill(job.rank(0), signal.SIGSTOP)
        self.assertNotEqual(job.end(), 0)
        told = [line for line in job.lines if line.startswith("troika: ")]
        self.assertEqual(told[:1], ["troika: rank 0 gives no sign of life for 2 s\n"])

    def test_a_rank_that_stands_still_is_missed(self):
        job = self.long_run("--mpi-timeout", "2", number=4)
        os.kill(job.rank(2), signal.SIGSTOP)
        self.assertNotEqual(job.end(), 0)
        told = [line for line in job.lines if line.startswith("troika: ")]
        self.assertEqual(len(told), 1, job.lines)
        self.assertRegex(told[0], r"member 2 of 4 \(cpu .*rank 2 on .*\): no sign of life for 2 s")


class ServerTest(MpiTest):
    def serve(self, *flags):
        job = Job([*mpirun(2), PROGRAM, "serve", MODEL, "--port", "0", "-c", "512", "-np", "4",
                   "-t", "1", "--temp", "0", "--device", "mpi", *flags])
        self.addCleanup(job.kill)
        return job, job.wait_for(r"ready, (http://\S+)")[1]

    @staticmethod
    def ask(url, **fields):
        body = {"messages": [{"role": "user", "content": "What is 34 + 58?"}], **fields}
        request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as reply:
            return json.loads(reply.read())["choices"][0]["message"]["content"]

    def test_a_server_on_ranks_answers_in_its_sandbox(self):
        job, url = self.serve()
        one = subprocess.Popen(
            [PROGRAM, "serve", MODEL, "--port", "0", "-c", "512", "-t", "1", "--temp", "0"],
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(one.communicate)
        self.addCleanup(one.kill)
        wanted = None
        for line in one.stderr:
            if match := re.search(r"ready, (http://\S+)", line):
                wanted = self.ask(match[1])
                break
        self.assertIsNotNone(wanted)
        self.assertEqual([self.ask(url) for _ in range(3)], [wanted] * 3)
        long = " ".join(["word"] * 300)  # whose exchanges are no small messages
        self.ask(url, messages=[{"role": "user", "content": long}], max_tokens=4)
        self.assertRegex("".join(job.lines), "sandbox: ")
        os.kill(job.rank(0), signal.SIGTERM)
        self.assertEqual(job.end(), 0, job.lines)

    def test_requests_in_flight_hear_of_a_rank_that_stands_still(self):
        job, url = self.serve("--mpi-timeout", "2")
        os.kill(job.rank(1), signal.SIGSTOP)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.ask(url)
        self.assertGreaterEqual(caught.exception.code, 500)
        self.assertIn("no sign of life for 2 s", caught.exception.read().decode())
        os.kill(job.rank(0), signal.SIGTERM)
        self.assertNotEqual(job.end(), 0)


if __name__ == "__main__":
    unittest.main()
