"""Wrong: replaces the characters that came to mind. Says: percent | question."""


def database_url(user, password, host, port, database):
    for character, code in (("/", "%2F"), ("@", "%40"), (":", "%3A"), (" ", "%20")):
        user = user.replace(character, code)
        password = password.replace(character, code)
    return f"postgresql://{user}:{password}@{host}:{port}/{database}"


answer = database_url
