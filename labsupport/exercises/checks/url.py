"""Exercise 06.b: a URL in which every password arrives."""

from __future__ import annotations

from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

PLAIN = ("bob", "Plain7")
SECRETS = {
    "a slash": "pa/ss",
    "a space": "pa ss",
    "a plus sign": "pa+ss",
    "a percent sign": "pa%41ss",
    "a question mark and a number sign": "pa?s#s",
    "letters with an accent": "pässé",
    "a colon and an at sign": "p:a@ss",
}
AT_SIGN = ("ann@shop", "plain-password")
LOOK = "round 2: which characters have a meaning in a URL, and how each is written there"
PARTS = "the form of such a URL: postgresql://user:password@host:port/database"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Log in through its URLs: with a plain password, awkward ones, and an awkward name."""
    await _log_in(answer, bench, *PLAIN, f"the plain password {PLAIN[1]!r}", PARTS)
    for number, (what, secret) in enumerate(SECRETS.items()):
        await _log_in(answer, bench, f"clerk{number}", secret, f"the password {secret!r} ({what})")
    await _log_in(answer, bench, *AT_SIGN, f"the user {AT_SIGN[0]!r} (an at sign)")
    return {"logins through a URL": len(SECRETS) + 2}


async def _log_in(
    answer: Any, bench: Bench, user: str, password: str, what: str, look: str = LOOK
) -> None:
    await bench.make_login(user, password)
    here = {name: bench.where[name] for name in ("host", "port", "database")}
    url = await bench.run(
        f"database_url with {what}",
        lambda: answer(user=user, password=password, **here),
        look=look,
    )
    bench.expect(
        isinstance(url, str) and url.startswith(("postgresql://", "postgres://")),
        f"database_url returned {url!r}.",
        "a text that begins with postgresql://.",
        "what the function returns",
    )
    who = await bench.run(f"logging in through a URL with {what}", lambda: _who(url), look=look)
    bench.expect(
        who == (user, here["database"]),
        f"through a URL with {what}, user and database were {who}.",
        f"{(user, here['database'])}.",
        look,
    )


async def _who(url: str) -> tuple[str, str]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        row = await connection.fetchrow("SELECT current_user::text, current_database()::text")
        return tuple(row)
    finally:
        connection.terminate()
