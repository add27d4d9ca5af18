"""Where the lab keeps things: the clone, the learner's work and the state of the servers."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

__all__ = ["project_root", "runs_as_root", "state_folder", "work_folder"]

APPLICATION = "connection-pooling-lab"


def project_root() -> Path:
    """The clone: the folder that holds `labsupport/`, `notebooks/` and `data/`."""
    return Path(__file__).resolve().parent.parent


def work_folder() -> Path:
    """What the learner records (predictions, results, copies), in the clone and ignored by git."""
    return project_root() / "my_work"


def runs_as_root() -> bool:
    """Whether this process is the superuser of a Unix system."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def state_folder() -> Path:
    """The one folder of this clone's embedded servers; it can be deleted when none runs.

    It lies in the user's data folder and not in the clone, because clones lie in folders that
    are synchronised or that cannot hold a server's permissions. Its name carries a hash of the
    clone's path, so that two clones do not meet. Root's lies under `/var/lib`: the server then
    runs as another user, who cannot enter root's home. `LAB_HOME` names another folder.
    """
    chosen = os.environ.get("LAB_HOME", "").strip()
    if chosen:
        # A relative one is meant from the clone: a notebook's kernel works in another folder.
        return (project_root() / Path(chosen).expanduser()).resolve()
    root = project_root()
    clone = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    if runs_as_root():
        return Path("/var/lib") / APPLICATION / clone
    return Path(platformdirs.user_data_path(APPLICATION, appauthor=False)) / clone
