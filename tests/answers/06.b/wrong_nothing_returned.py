"""Wrong: prints the URL. Says: returned."""

from urllib.parse import quote


def database_url(user, password, host, port, database):
    print(f"postgresql://{user}:{quote(password, safe='')}@{host}:{port}/{database}")


answer = database_url
