"""The workflows of GitHub Actions: what they may do, how long, and that their commands exist.

They cannot be run here. The workflow `test` has a job that checks them with actionlint.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from labsupport.commands.arguments import make_parser
from labsupport.commands.bootstrap import NEWEST_TRIED, OLDEST

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
LONGEST = 60
"""Minutes that a job may take at most."""


def read(path: Path) -> dict[str, Any]:
    """Return a file of YAML."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def jobs() -> dict[str, dict[str, Any]]:
    """Return every job by the names of its workflow and its own."""
    return {
        f"{path.stem}/{name}": job for path in WORKFLOWS for name, job in read(path)["jobs"].items()
    }


def steps(name: str, key: str) -> list[Any]:
    """Return what the steps of a job have under `key`."""
    return [step[key] for step in jobs()[name]["steps"] if key in step]


def actions() -> list[str]:
    """Return what stands behind each `uses:`, with its comment."""
    texts = [path.read_text(encoding="utf-8") for path in WORKFLOWS]
    return [use for text in texts for use in re.findall(r"\buses:\s*(.*)", text)]


def test_every_action_is_pinned_by_its_commit_and_says_its_version() -> None:
    assert len(actions()) >= 2 * len(jobs())
    assert [use for use in actions() if not PINNED.fullmatch(use)] == []


def test_an_action_has_one_pin() -> None:
    pins = set(actions())
    assert len(pins) == len({pin.split("@")[0] for pin in pins})


@pytest.mark.parametrize(
    "use",
    ["actions/checkout@v6", "actions/checkout@" + 40 * "a", "actions/checkout@main # v6.0.3"],
)
def test_what_is_no_pin_is_recognised(use: str) -> None:
    assert not PINNED.fullmatch(use)


@pytest.mark.parametrize("name", jobs())
def test_every_job_has_a_limit_and_no_rights_of_its_own(name: str) -> None:
    job = jobs()[name]
    assert isinstance(job["timeout-minutes"], int)
    assert 0 < job["timeout-minutes"] <= LONGEST
    assert "permissions" not in job
    for step in job["steps"]:
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_workflow_may_read_only_and_ends_what_it_replaces(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert {"group", "cancel-in-progress"} <= set(workflow["concurrency"])
    assert "secrets." not in path.read_text(encoding="utf-8")


def test_every_command_of_the_lab_exists() -> None:
    commands = [
        line.removeprefix("python -m labsupport")
        for name in jobs()
        for text in steps(name, "run")
        for line in text.splitlines()
        if "labsupport" in line
    ]
    assert len(commands) >= 6
    for command in commands:
        # Wrong usage would end with SystemExit.
        make_parser().parse_args(shlex.split(command))


def test_the_newest_versions_are_tried_every_week() -> None:
    # YAML reads the word `on` as true.
    begins = yaml.safe_load((GITHUB / "workflows" / "newest.yml").read_text(encoding="utf-8"))[True]
    (when,) = begins["schedule"]
    minute, hour, day, month, weekday = when["cron"].split()
    assert minute.isdigit() and hour.isdigit() and weekday.isdigit()
    assert (day, month) == ("*", "*")
    commands = steps("newest/newest", "run")
    refresh = commands.index("python tools/refresh_locks.py --upgrade")
    assert refresh < commands.index("python -m labsupport test")


def test_every_push_and_every_pull_request_is_tried() -> None:
    begins = yaml.safe_load((GITHUB / "workflows" / "test.yml").read_text(encoding="utf-8"))[True]
    assert {"push", "pull_request"} <= set(begins)


def test_every_system_and_python_that_the_lab_is_for_is_tried() -> None:
    matrix = jobs()["test/embedded"]["strategy"]["matrix"]
    assert set(matrix["os"]) == {"ubuntu-latest", "macos-latest", "windows-latest"}
    minors = range(OLDEST[1], NEWEST_TRIED[1] + 1)
    assert matrix["python"] == [f"{OLDEST[0]}.{minor}" for minor in minors]


def test_the_notebooks_run_on_the_service_that_the_job_starts() -> None:
    job = jobs()["test/servers"]
    service = job["services"]["postgres"]
    assert job["strategy"]["matrix"]["postgres"] == ["14", "15", "16", "17", "18"]
    assert service["image"] == "postgres:${{ matrix.postgres }}"
    assert service["ports"] == [f"{job['env']['DB_HOST']}:{job['env']['DB_PORT']}:5432"]
    assert service["env"]["POSTGRES_PASSWORD"] == job["env"]["DB_PASSWORD"]


def test_the_lessons_that_are_rendered_are_the_ones_that_are_kept() -> None:
    (kept,) = (step for step in steps("test/lessons", "with") if "path" in step)
    assert kept["path"] == make_parser().parse_args(["render"]).output
    assert kept["if-no-files-found"] == "error"


def test_dependabot_looks_after_actions_and_packages_in_groups() -> None:
    updates = read(GITHUB / "dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "pip"}
    for update in updates:
        assert update["schedule"]["interval"] == "monthly"
        assert [group["patterns"] for group in update["groups"].values()] == [["*"]]


def test_one_script_runs_every_part() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line.split("python3 -m labsupport ")[1] for line in lines if "labsupport" in line]
    asked = [make_parser().parse_args(shlex.split(command)) for command in commands]
    assert all(options.verb == "test" and options.only is None for options in asked)
    assert [(options.container, options.deep) for options in asked] == [
        (False, False),
        (True, False),
        (False, True),
    ]
    # On a machine without an engine the container's part needs one for its time.
    (container,) = (line for line in lines if "--container" in line)
    assert container.startswith(".ci/engine run python3 ")
    assert lines[-1] == ".ci/browser" and "set -euo pipefail" in lines
