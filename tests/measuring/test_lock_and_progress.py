"""One measurement at a time on this machine, and one line that says how far it is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.errors import LabError
from labsupport.measuring import compare, machine_lock, measure, quiet
from labsupport.measuring.progress import Reporter

from .conftest import SHORT, sleeper

HOLDER = """
import asyncio, sys
from labsupport.measuring import machine_lock

async def hold():
    async with machine_lock(5):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""


@pytest.fixture
def holder(own_lock: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input is closed."""
    places = {name: str(own_lock) for name in ("TMPDIR", "TEMP", "TMP")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env=os.environ | places,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_a_second_process_is_kept_out_until_the_limit(
    holder: subprocess.Popen[str],
) -> None:
    said: list[str] = []
    with pytest.raises(LabError, match=r"Another measurement has been running for 0\.3 s"):
        async with machine_lock(0.3, said.append):
            pytest.fail("The lock was held twice.")
    assert len(said) == 1


async def test_it_goes_on_when_the_other_process_gives_the_lock_back_or_dies(
    holder: subprocess.Popen[str],
) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(beat())
    said: list[str] = []
    asyncio.get_running_loop().call_later(0.3, holder.kill)
    async with machine_lock(20, said.append):
        pass
    task.cancel()
    assert len(said) == 1
    assert beats > 3  # the event loop went on while the lock was awaited


async def test_the_lock_is_free_again_after_an_error_and_for_the_next_in_this_process() -> None:
    said: list[str] = []
    with pytest.raises(RuntimeError):
        async with machine_lock(1, said.append):
            raise RuntimeError
    inside = 0

    async def one() -> None:
        nonlocal inside
        async with machine_lock(10, said.append):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.15)
            inside -= 1

    await asyncio.gather(one(), one())
    assert len(said) == 1


async def test_two_measurements_in_one_process_do_not_run_at_the_same_time() -> None:
    told: list[str] = []
    running: set[str] = set()

    def arm(name: str):  # type: ignore[no-untyped-def]
        async def request() -> None:
            running.add(name)
            assert len(running) == 1
            await asyncio.sleep(0.001)

        return request

    async def one(name: str) -> dict[str, int]:
        result = await measure(arm(name), SHORT, progress=lambda share, text: told.append(text))
        running.discard(name)
        return dict(result.errors)

    assert await asyncio.gather(one("a"), one("b")) == [{}, {}]
    assert any("waiting" in text for text in told)


async def test_the_lock_can_be_opened_by_other_users(own_lock: Path) -> None:
    async with machine_lock():
        pass
    folder = own_lock / "connection-pooling-lab"
    if os.name == "posix":
        assert folder.stat().st_mode & 0o7777 == 0o777
        assert (folder / "measuring.lock").stat().st_mode & 0o777 == 0o666


async def test_a_place_that_cannot_hold_the_lock_is_named(own_lock: Path) -> None:
    (own_lock / "connection-pooling-lab").write_text("in the way", encoding="utf-8")
    with pytest.raises(LabError, match="connection-pooling-lab"):
        async with machine_lock():
            pytest.fail("There is no folder for the lock.")


async def test_progress_goes_up_and_ends_with_one_sentence() -> None:
    seen: list[tuple[float, str]] = []
    arms = {"a": sleeper(0.002), "b": sleeper(0.002)}
    await compare(arms, SHORT, progress=lambda share, text: seen.append((share, text)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert shares.count(1) == 1
    assert "round" in seen[-1][1] and "time was up" in seen[-1][1]


def test_progress_is_passed_on_a_few_times_a_second_and_the_end_always() -> None:
    seen: list[str] = []
    reporter = Reporter(lambda share, text: seen.append(text))
    for number in range(1000):
        reporter.report(number / 1000, "on the way")
    reporter.finish("done")
    assert seen[-1] == "done"
    assert len(seen) < 100


async def test_outside_a_terminal_only_the_last_sentence_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await measure(sleeper(0.002), SHORT)
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "time was up" in err


async def test_in_a_terminal_one_line_is_written_over_and_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    await measure(sleeper(0.002), SHORT)
    err = capsys.readouterr().err
    assert err.count("\r") > 1
    assert err.count("\n") == 1
    assert err.endswith("time was up\n") or err.rstrip().endswith("time was up")


async def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    await measure(sleeper(0.002), SHORT, progress=quiet())
    assert capsys.readouterr() == ("", "")
