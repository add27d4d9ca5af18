"""Exercise 06.b: a URL in which every password arrives."""

from urllib.parse import quote

__all__ = ["database_url"]


def database_url(user, password, host, port, database):
    """Return the URL; every character of the user, the password and the database is kept."""
    # Without safe="" a slash would stay as it is.
    user, password, database = (quote(text, safe="") for text in (user, password, database))
    return f"postgresql://{user}:{password}@{host}:{port}/{database}"
