"""Wrong: quote_plus is for forms; a space becomes a plus sign. Says: space."""

from urllib.parse import quote_plus


def database_url(user, password, host, port, database):
    return f"postgresql://{quote_plus(user)}:{quote_plus(password)}@{host}:{port}/{database}"


answer = database_url
