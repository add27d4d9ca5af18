"""Wrong: the status as a text. Says: text."""

from labsupport.pooling import status_of


def status_for(error):
    return str(status_of(error)[0])


answer = status_for
