"""Notebooks as they were published: from git, or from copies made at the first set-up."""

from __future__ import annotations

import subprocess
from pathlib import Path

from labsupport import __version__
from labsupport.errors import LabError
from labsupport.places import project_root, state_folder
from labsupport.postgres.account import make_folder

__all__ = ["keep_pristine_copies", "notebook_names", "published"]

GIT_LIMIT = 20


def keep_pristine_copies() -> None:
    """Copy the notebooks aside where git cannot give them back; never replaces a copy."""
    known = _names_in_git()
    for notebook in _folder().glob("*.ipynb"):
        copy = _copies() / notebook.name
        if notebook.stem not in known and not copy.exists():
            make_folder(_copies())
            copy.write_bytes(notebook.read_bytes())


def notebook_names() -> list[str]:
    """Return the names, without `.ipynb`, of the notebooks that can be had fresh."""
    kept = {copy.stem for copy in _copies().glob("*.ipynb")}
    return sorted(kept | _names_in_git())


def published(name: str) -> bytes:
    """Return the notebook `name` (without `.ipynb`) as it was published.

    Raises `LabError` when neither git nor a copy has it.
    """
    if name in _names_in_git():
        content = _git("show", f"HEAD:./notebooks/{name}.ipynb")
        if content is not None:
            return content
    copy = _copies() / f"{name}.ipynb"
    if copy.exists():
        return copy.read_bytes()
    raise LabError(f"There is no published copy of {name}. Fetch the clone again.")


def _names_in_git() -> set[str]:
    listed = _git("ls-tree", "--name-only", "-z", "HEAD", "./notebooks/")
    paths = (listed or b"").decode("utf-8", errors="replace").split("\0")
    return {Path(path).stem for path in paths if path.endswith(".ipynb")}


def _git(*arguments: str) -> bytes | None:
    """Return what git prints, or None where there is no git or no repository."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(project_root()), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout if answer.returncode == 0 else None


def _folder() -> Path:
    return project_root() / "notebooks"


def _copies() -> Path:
    # A newer release brings newer notebooks.
    return state_folder() / "pristine" / __version__
