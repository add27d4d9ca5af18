"""Without LAB_HOME, neither two clones nor two users of a machine meet in one state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from labsupport import places
from labsupport.places import state_folder


class Machine:
    """This machine as other users with other clones see it; LAB_HOME is not set there."""

    def __init__(self, homes: Path, environment: pytest.MonkeyPatch) -> None:
        self.homes = homes
        self._environment = environment

    def state_of(self, user: str, clone: str) -> Path:
        """The state folder of `clone` when `user` works in it."""
        home = str(self.homes / user)
        for name in ("LAB_HOME", "XDG_DATA_HOME"):
            self._environment.delenv(name, raising=False)
        for name in ("HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
            self._environment.setenv(name, home)
        self._environment.setattr(places, "runs_as_root", lambda: user == "root")
        self._environment.setattr(places, "project_root", lambda: Path(clone))
        return state_folder()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose users have their homes in a folder of this test."""
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize("user", ["ada", "root"])
def test_two_clones_have_two_folders(machine: Machine, user: str) -> None:
    first = machine.state_of(user, "/one/lab")
    second = machine.state_of(user, "/two/lab")
    assert first.parent == second.parent
    assert first.name != second.name
    assert machine.state_of(user, "/one/lab") == first


def test_two_users_of_one_clone_have_two_folders(machine: Machine) -> None:
    users = ("ada", "grace", "root")
    folders = [machine.state_of(user, "/one/lab") for user in users]
    assert len(set(folders)) == len(users)
    for user, folder in zip(users[:2], folders, strict=False):
        assert folder.is_relative_to(machine.homes / user)
