"""The verbs of `python3 -m labsupport`, a module each.

`launcher`, `arguments`, `bootstrap`, `installing`, `setup_lock`, `child` and `failures` run before
`.venv` exists: standard library only, readable by Python 3.8. The others run inside `.venv`.
"""
