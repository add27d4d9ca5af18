"""`.ci/engine` uses the engine that is there, passes signals on, and fails in a sentence.

What it does on a machine without an engine is tried by `.ci/run` itself; here docker is a stand-in.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.homes import wait_until

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / ".ci" / "engine"
DOCKER = """#!/bin/sh
echo "$@" >>"$DOCKER_SAID"
case "$*" in
    *"config --images") echo an-image:1 ;;
    "image inspect"*) exit "${NO_IMAGE:-0}" ;;
    pull*) exit 1 ;;
    version*) exit "${NO_ENGINE:-0}" ;;
esac
"""

# It is for continuous integration on Linux.
if sys.platform == "linux":

    @pytest.fixture
    def machine(tmp_path: Path) -> dict[str, str]:
        """A machine with a docker, on which we are not root."""
        programs, temporary = tmp_path / "programs", tmp_path / "temporary"
        temporary.mkdir()
        programs.mkdir()
        for name, text in {"docker": DOCKER, "id": "#!/bin/sh\necho 1000\n"}.items():
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)
        return {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(temporary),
            "DOCKER_SAID": str(tmp_path / "said"),
        }

    def engine(machine: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script on that machine; nothing of it may be left in its temporary folder."""
        done = subprocess.run(
            [ENGINE, *arguments],
            env=machine,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert os.listdir(machine["TMPDIR"]) == []
        return done

    @pytest.mark.parametrize("arguments", [(), ("run",), ("start", "true"), ("keep", "1")])
    def test_wrong_usage_ends_with_2(machine: dict[str, str], arguments: tuple[str, ...]) -> None:
        done = engine(machine, *arguments)
        assert done.returncode == 2
        assert "usage" in done.stderr

    def test_an_engine_that_is_there_is_used(machine: dict[str, str]) -> None:
        done = engine(machine, "run", "sh", "-c", "echo ran; exit 7")
        assert done.returncode == 7
        assert done.stdout == "ran\n"
        said = Path(machine["DOCKER_SAID"]).read_text(encoding="utf-8")
        assert "image inspect an-image:1" in said
        assert "rm" not in said.split()

    @pytest.mark.parametrize(
        ("missing", "sentence"),
        [("NO_ENGINE", "No container engine answers"), ("NO_IMAGE", "an-image:1 cannot be pulled")],
    )
    def test_what_is_not_to_be_had_is_a_sentence(
        machine: dict[str, str], missing: str, sentence: str
    ) -> None:
        done = engine({**machine, missing: "1"}, "run", "echo", "ran")
        assert done.returncode == 1
        assert done.stdout == ""
        (line,) = [line for line in done.stderr.splitlines() if "Using the engine" not in line]
        assert sentence in line

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
    def test_the_command_ends_before_the_engine(
        machine: dict[str, str], tmp_path: Path, number: signal.Signals, code: int
    ) -> None:
        began, ended = tmp_path / "began", tmp_path / "ended"
        stop = f"kill $!; sleep 0.5; touch {ended}; exit"
        line = f"trap '{stop}' TERM; sleep 50 & touch {began}; wait"
        process = subprocess.Popen([ENGINE, "run", "sh", "-c", line], env=machine)
        wait_until(began.exists, "the command runs")
        process.send_signal(number)
        assert process.wait(timeout=40) == code
        assert ended.exists()

    def with_parts(
        machine: dict[str, str], tmp_path: Path, line: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one line of bash that calls parts of the script, which itself does not begin."""
        copy = tmp_path / "clone" / ".ci"
        copy.mkdir(parents=True)
        *rest, last = ENGINE.read_text(encoding="utf-8").splitlines()
        assert last == 'main "$@"'
        (copy / "engine").write_text("\n".join(rest), encoding="utf-8")
        shutil.copy(ENGINE.with_name("debian"), copy)
        folder = tmp_path / "lab-engine.of-a-test"
        folder.mkdir()
        prepared = f'. "{copy / "engine"}"; folder={folder}; interfaces_before=$(interfaces)'
        return subprocess.run(
            ["bash", "-c", f"{prepared}; {line}"],
            env=machine,
            capture_output=True,
            encoding="utf-8",
            timeout=40,
            check=False,
        )

    def test_what_is_left_is_named_also_when_a_cgroup_vanishes_meanwhile(
        machine: dict[str, str], tmp_path: Path
    ) -> None:
        # `find` names what it has seen and fails, as it does for a folder that has gone since.
        vanish = "find() { echo /sys/fs/cgroup/ours; echo gone >&2; return 1; }"
        done = with_parts(machine, tmp_path, f'{vanish}; left=$(left_behind); echo "$left"')
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "[engine] Left behind: the cgroup /sys/fs/cgroup/ours\n"

    def test_an_engine_that_hangs_is_stopped_all_the_same(
        machine: dict[str, str], tmp_path: Path
    ) -> None:
        hang = tmp_path / "programs" / "docker"
        # It lists a container and hangs when that is to be removed.
        answers = "case $1 in version) ;; ps) echo 4d2a ;; *) exec sleep 60 ;; esac"
        hang.write_text(f"#!/bin/sh\n{answers}\n", encoding="utf-8")
        # The limit is a second here, and nothing outside this test's folder is touched.
        quick = "DOCKER_LIMIT=1"
        apart = "rmdir() { :; }; find() { :; }"
        stop = (
            'sleep 60 >/dev/null 2>&1 & engine=$!; stop_engine; has_ended "$engine" && echo ended'
        )
        done = with_parts(machine, tmp_path, f"{quick}; {apart}; {stop}")
        assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr

    def test_a_keeper_that_does_not_end_is_named_and_not_waited_for(
        machine: dict[str, str], tmp_path: Path
    ) -> None:
        # It hears no signal, and the time for its end is over at once.
        keep = "trap '' TERM; sleep 60 >/dev/null 2>&1 & keeper=$!; echo $keeper"
        over = "wait_for_end() { return 1; }"
        done = with_parts(machine, tmp_path, f"{keep}; {over}; clean_up 0")
        number = int(done.stdout)
        os.kill(number, signal.SIGKILL)
        assert done.returncode == 1
        assert f"Process {number} has not ended" in done.stderr
        assert (tmp_path / "lab-engine.of-a-test").is_dir()
