"""Right: the table of the lab."""

from http import HTTPStatus

from labsupport.pooling import status_of


class Errors:
    @classmethod
    def status_for(cls, error):
        status, _ = status_of(error)
        return HTTPStatus(status)


answer = Errors.status_for
