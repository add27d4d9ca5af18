"""Wrong: only the password is quoted. Says: user."""

from urllib.parse import quote


def database_url(user, password, host, port, database):
    return f"postgresql://{user}:{quote(password, safe='')}@{host}:{port}/{database}"


answer = database_url
