"""Wrong: pasted together as it is. Says: slash | space | percent."""


def database_url(user, password, host, port, database):
    return f"postgresql://{user}:{password}@{host}:{port}/{database}"


answer = database_url
