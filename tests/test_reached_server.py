"""A notebook that opens no session on the server that it has to run on is red."""

from __future__ import annotations

from pathlib import Path

import pytest

from labsupport.commands.container import NOTEBOOKS
from tests.bad_input.named import named_server
from tests.guarded import run_pytest, write_notebooks
from tests.homes import temporary_home

USES_IT = [
    "from labsupport.lessons import begin\nlab = await begin('01')",
    "from labsupport.lessons import finish\nawait finish(lab)",
]


def test_each_notebook_has_to_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebooks(tmp_path, {"1_uses_it": USES_IT, "2_does_not": ["x = 1", "x = 2"]})
    with temporary_home(), named_server() as named:
        named.execute(f"CREATE DATABASE {NOTEBOOKS} OWNER {named.settings['DB_USER']}")
        for name, value in {**named.settings, "DB_NAME": NOTEBOOKS}.items():
            monkeypatch.setenv(name, value)
        run = run_pytest(tmp_path, "-p", "tests.reached_server")
    assert run.code == 1
    assert run.outcomes("1_uses_it") == ["passed", "passed"], run.text
    assert run.outcomes("2_does_not") == ["passed", "error"], run.text
    assert "2_does_not.ipynb has opened no session" in run.message("2_does_not", 2)
