"""Wrong: leaves the port out. Says: plain password."""

from urllib.parse import quote


def database_url(user, password, host, port, database):
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{host}/{database}"


answer = database_url
