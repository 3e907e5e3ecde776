"""Hosts for a test: network namespaces with addresses of their own, joined by a bridge in one more.
Nothing of it is in the machine's own namespace, and all of it ends with its processes."""

import os
import pathlib
import shutil
import stat
import subprocess


def reason_to_skip():
    """Why there can be no namespaces; empty if there can."""
    if os.geteuid() != 0:
        return "not root"
    for tool in ("ip", "unshare", "nsenter"):
        if shutil.which(tool) is None:
            return f"no {tool}"
    tried = subprocess.run(["unshare", "--net", "--uts", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no new namespaces here"


class Namespaces:
    """`addresses` of hosts that reach each other; node0 has the first.

    @param extra  (number of a host, an address that it has besides, on an interface of its own).
    """

    def __init__(self, folder, addresses, extra=()):
        self.folder = pathlib.Path(folder)
        self.addresses = addresses
        self.holders = []
        try:
            self._connect(extra)
            self.agent = self._write_agent()
        except (OSError, subprocess.SubprocessError):
            self.end()
            raise

    def _connect(self, extra):
        switch = self._hold("switch")
        self._run(switch, "ip", "link", "add", "bridge", "type", "bridge")
        self._run(switch, "ip", "link", "set", "bridge", "up")
        for number, address in enumerate(self.addresses):
            host = self._hold(f"node{number}")
            self._run(switch, "ip", "link", "add", f"port{number}", "type", "veth", "peer", "name",
                      "net", "netns", host)
            self._run(switch, "ip", "link", "set", f"port{number}", "master", "bridge", "up")
            self._run(host, "ip", "address", "add", f"{address}/24", "dev", "net")
            self._run(host, "ip", "link", "set", "net", "up")
            for more in (more for at, more in extra if at == number):
                self._run(host, "ip", "link", "add", "more", "type", "bridge")
                self._run(host, "ip", "address", "add", f"{more}/24", "dev", "more")
                self._run(host, "ip", "link", "set", "more", "up")
            self._run(host, "ip", "link", "set", "lo", "up")

    def _hold(self, name):
        """A process that keeps a namespace alive; its id."""
        holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-c", f"hostname {name} && echo && exec sleep 600"],
            stdout=subprocess.PIPE)
        holder.stdout.readline()
        self.holders.append(holder)
        return holder.pid

    @staticmethod
    def _run(pid, *command):
        inside = ["nsenter", "-t", str(pid), "--net", "--uts"]
        subprocess.run([*inside, *map(str, command)], check=True)

    def _write_agent(self):
        """What mpirun calls in place of ssh: AGENT HOST COMMAND..."""
        lines = ["#!/bin/sh", "host=$1; shift", "case $host in"]
        for number, (address, holder) in enumerate(zip(self.addresses, self.holders[1:])):
            scratch = self.folder / f"node{number}"
            scratch.mkdir()
            lines.append(f"{address}) TMPDIR={scratch} exec nsenter -t {holder.pid} --net --uts "
                         'sh -c "$*";;')
        agent = self.folder / "agent"
        agent.write_text("\n".join([*lines, "esac", "exit 1", ""]), encoding="utf-8")
        agent.chmod(agent.stat().st_mode | stat.S_IXUSR)
        return agent

    def command(self, *command):
        """`command` as it is run on node0."""
        return ["nsenter", "-t", str(self.holders[1].pid), "--net", "--uts", *map(str, command)]

    def unplug(self, number):
        """Nothing reaches a host any more, and nobody is told."""
        self._run(self.holders[0].pid, "ip", "link", "set", f"port{number}", "down")

    def end(self):
        for holder in self.holders:
            holder.kill()
            holder.wait()
            holder.stdout.close()
