"""Right: user and password as options behind the question mark."""

from urllib.parse import quote, urlencode


def database_url(user, password, host, port, database):
    options = urlencode({"user": user, "password": password}, quote_via=quote, safe="")
    return f"postgresql://{host}:{port}/{quote(database, safe='')}?{options}"


answer = database_url
