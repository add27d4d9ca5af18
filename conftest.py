"""Set-up of every pytest run in this clone: notebooks are run under the guard."""

pytest_plugins = ["tests.notebook_guard"]
