"""Before JupyterLab ends its kernels, no cell runs any more: it is interrupted, or killed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from labsupport.commands import jupyter
from labsupport.commands.jupyter import JupyterLab


class Kernels:
    """Stands in for JupyterLab's kernels: those named in `obedient` obey an interrupt."""

    def __init__(self, obedient: set[str], stubborn: set[str], idle: set[str]) -> None:
        self.obedient = obedient
        self.busy = obedient | stubborn
        self.idle = idle
        self.done: list[tuple[str, str]] = []

    def list_kernels(self) -> list[dict[str, str]]:
        """Every kernel with its state."""
        states = {**dict.fromkeys(self.idle, "idle"), **dict.fromkeys(self.busy, "busy")}
        return [{"id": name, "execution_state": state} for name, state in states.items()]

    async def interrupt_kernel(self, kernel: str) -> None:
        """Note it; an obedient kernel's cell ends."""
        self.done.append(("interrupt", kernel))
        self.busy -= self.obedient & {kernel}

    async def shutdown_kernel(self, kernel: str, now: bool) -> None:
        """Note it; the kernel is gone."""
        self.done.append(("kill" if now else "ask", kernel))
        self.busy.discard(kernel)


def lab_with(kernels: Kernels) -> JupyterLab:
    """A JupyterLab that was not started and notes its end among what was done."""
    lab = object.__new__(JupyterLab)
    lab._app = SimpleNamespace(
        kernel_manager=kernels, stop=lambda: kernels.done.append(("stop", "all"))
    )
    return lab


async def test_cells_are_interrupted_and_those_that_go_on_are_killed_before_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jupyter, "INTERRUPT_LIMIT", 0.2)
    kernels = Kernels(obedient={"sleeps"}, stubborn={"goes on"}, idle={"waits"})
    await lab_with(kernels)._end(lambda: kernels.done.append(("say", "first")))
    assert kernels.done[0] == ("say", "first")
    assert sorted(kernels.done[1:3]) == [("interrupt", "goes on"), ("interrupt", "sleeps")]
    assert kernels.done[3:] == [("kill", "goes on"), ("stop", "all")]


async def test_it_ends_also_when_a_kernel_cannot_be_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(kernel: str) -> None:
        raise RuntimeError(kernel)

    kernels = Kernels(obedient=set(), stubborn={"gone"}, idle=set())
    monkeypatch.setattr(kernels, "interrupt_kernel", fail)
    with pytest.raises(RuntimeError, match="gone"):
        await lab_with(kernels)._end(lambda: None)
    assert kernels.done == [("stop", "all")]
