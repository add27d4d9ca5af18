"""A port that JupyterLab cannot have: taken by another program, or not for this user."""

from __future__ import annotations

import errno
import socket

import pytest

from labsupport.commands.ports import check_port
from labsupport.errors import LabError
from labsupport.ports import free_port, is_free


def test_a_free_port_and_none_are_well() -> None:
    check_port(free_port())
    check_port(None)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"Port {port} is taken by another program"):
            check_port(port)


def test_a_port_that_this_user_may_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidding(socket.socket):
        """A socket of an ordinary user, who may not listen on the ports of the system."""

        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Forbidding)
    assert not is_free(80)
    with pytest.raises(LabError, match=r"may not listen on port 80 \(Permission denied\)"):
        check_port(80)
