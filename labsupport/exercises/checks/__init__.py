"""What each exercise asks for: a module each, with `async def check(answer, bench)`.

It raises `NotYet`, or returns what it observed, by name.
"""
