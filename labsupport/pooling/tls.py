"""TLS: which modes there are, which settings go together, and what asyncpg is told."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal

__all__ = ["SslMode", "Tls"]

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
"""libpq's names. Up to `prefer` may be plain text; only the `verify-` modes check the server."""

ENCRYPTED = ("require", "verify-ca", "verify-full")
VERIFIED = ("verify-ca", "verify-full")


@dataclass(frozen=True)
class Tls:
    """A mode and its files; an empty name means no file."""

    mode: SslMode
    ca: str
    cert: str
    key: str

    def check(self) -> None:
        """Raise ValueError when the settings contradict each other, or promise what is not so."""
        if self.ca and self.mode not in VERIFIED:
            raise ValueError(
                f"DB_SSL_CA is set, but DB_SSL_MODE {self.mode} does not check the server's "
                "certificate. Write verify-full, or leave DB_SSL_CA empty."
            )
        if self.mode == "verify-ca" and not self.ca:
            raise ValueError(
                "DB_SSL_MODE verify-ca without DB_SSL_CA would trust every server that has a "
                "public certificate. Name the authority in DB_SSL_CA, or write verify-full."
            )
        if (self.cert or self.key) and self.mode not in ENCRYPTED:
            raise ValueError(
                f"DB_SSL_CERT and DB_SSL_KEY need TLS, and DB_SSL_MODE is {self.mode}. Write "
                "verify-full, or leave them empty."
            )
        if self.key and not self.cert:
            raise ValueError("DB_SSL_KEY is set without DB_SSL_CERT. Name both files.")

    def argument(self) -> bool | str | ssl.SSLContext:
        """Return asyncpg's `ssl` argument with which the mode does what its name says.

        Raises ValueError when a certificate cannot be read.
        """
        if self.mode == "disable":
            return False
        if self.mode not in ENCRYPTED:
            return self.mode  # asyncpg tries both ways, which no context can say.
        context = self._trusting()
        context.check_hostname = self.mode == "verify-full"
        if self.mode == "require":
            context.verify_mode = ssl.CERT_NONE
        if self.cert:
            self._load_our_certificate(context)
        return context

    def url_options(self) -> dict[str, str]:
        """Return what a URL says about TLS, in libpq's words.

        Raises ValueError when no URL would mean the same to asyncpg and to libpq: with `ssl` in
        the arguments the operating system's authorities are trusted, and a URL cannot say so.
        """
        if self.mode == "verify-full" and not self.ca:
            raise ValueError(
                "A URL with DB_SSL_MODE verify-full has to name the authority that is trusted. "
                "Set DB_SSL_CA (ssl_ca) to its file, or use get_pool_kwargs(), which needs none."
            )
        options = {"sslmode": self.mode, "sslrootcert": self.ca, "sslcert": self.cert}
        if self.cert:
            options["sslkey"] = self.key or self.cert
        return {name: value for name, value in options.items() if value}

    def _trusting(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"DB_SSL_CA is {self.ca!r}, and no certificate can be read from there. "
                "Name the file that holds the certificate authority of the server."
            ) from error

    def _load_our_certificate(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.cert, self.key or None, password="")
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"DB_SSL_CERT is {self.cert!r} and DB_SSL_KEY {self.key!r}, and no "
                "certificate with its key (one without a passphrase) can be read from there."
            ) from error
