"""Wrong: quote leaves a slash as it is. Says: slash."""

from urllib.parse import quote


def database_url(user, password, host, port, database):
    return f"postgresql://{quote(user)}:{quote(password)}@{host}:{port}/{database}"


answer = database_url
