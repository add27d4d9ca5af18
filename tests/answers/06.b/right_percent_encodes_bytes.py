"""Right: every byte but letters and digits is written as a percent sign and two digits."""


def encoded(text):
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}"
        for byte in text.encode("utf-8")
    )


def database_url(user, password, host, port, database):
    who = encoded(user) + ":" + encoded(password)
    return "postgres://%s@%s:%d/%s" % (who, host, port, encoded(database))  # noqa: UP031


answer = database_url
