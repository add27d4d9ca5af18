"""Right: DatabaseSettings writes the URL."""

from labsupport.pooling import DatabaseSettings


def database_url(**parts):
    settings = DatabaseSettings(_env_file=None, **parts)
    return settings.get_connection_string()


answer = database_url
