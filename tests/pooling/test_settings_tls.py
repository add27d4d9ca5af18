"""TLS modes do what their names say: a real login through a relay that speaks TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import trustme
from pydantic import ValidationError

from labsupport.pooling import DatabasePool
from labsupport.pooling.errors import is_transient
from labsupport.pooling.settings import DatabaseSettings
from labsupport.postgres import Server
from tests.pooling.tls import TlsRelay, tls_relay


@dataclass(frozen=True)
class Certificates:
    """Files for the client, and what the relay needs."""

    ours: str
    """The authority that signed the relay's certificate."""
    other: str
    """Some other authority."""
    client_cert: str
    client_key: str
    right_name: ssl.SSLContext
    wrong_name: ssl.SSLContext
    wants_client_cert: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ours.pem"))
    other.cert_pem.write_to_path(str(folder / "other.pem"))
    client = authority.issue_cert("lab@example.org")
    client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    client.private_key_pem.write_to_path(str(folder / "client.key"))
    contexts = []
    for name in ("localhost", "db.example.org", "localhost"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(context)
        contexts.append(context)
    authority.configure_trust(contexts[2])
    contexts[2].verify_mode = ssl.CERT_REQUIRED
    paths = [str(folder / name) for name in ("ours.pem", "other.pem", "client.pem", "client.key")]
    return Certificates(*paths, *contexts)


def settings_for(server: Server, relay: TlsRelay, mode: str, **changes: Any) -> DatabaseSettings:
    return DatabaseSettings(
        _env_file=None,
        host="localhost",
        port=relay.port,
        user=server.user,
        password=server.password,
        database=server.database,
        ssl_mode=mode,
        **changes,
    )


async def log_in(settings: DatabaseSettings) -> None:
    """A pool by keyword arguments, and one query through it."""
    arguments = {**settings.get_pool_kwargs(), "min_size": 1, "max_size": 1}
    pool = await asyncpg.create_pool(**arguments)
    try:
        assert await pool.fetchval("SELECT 1") == 1
    finally:
        pool.terminate()


@pytest.fixture(autouse=True)
def no_files_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Certificates in the developer's own folder would change what asyncpg does."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)


@pytest.mark.parametrize(
    ("mode", "authority", "certificate", "outcome"),
    [
        ("disable", "", "right_name", "plain"),
        ("allow", "", "right_name", "plain"),
        ("prefer", "", "right_name", "encrypted"),
        ("require", "", "right_name", "encrypted"),
        ("require", "", "wrong_name", "encrypted"),
        ("verify-ca", "ours", "right_name", "encrypted"),
        ("verify-ca", "ours", "wrong_name", "encrypted"),
        ("verify-ca", "other", "right_name", "refused"),
        ("verify-full", "ours", "right_name", "encrypted"),
        ("verify-full", "ours", "wrong_name", "refused"),
        ("verify-full", "other", "right_name", "refused"),
        ("verify-full", "", "right_name", "refused"),  # unknown to the operating system
    ],
)
async def test_a_tls_mode_verifies_what_it_says(
    server: Server,
    certificates: Certificates,
    mode: str,
    authority: str,
    certificate: str,
    outcome: str,
) -> None:
    file = getattr(certificates, authority) if authority else ""
    async with tls_relay(server, getattr(certificates, certificate)) as relay:
        settings = settings_for(server, relay, mode, ssl_ca=file)
        if outcome == "refused":
            with pytest.raises(ssl.SSLCertVerificationError):
                await log_in(settings)
            assert relay.encrypted == []
        else:
            await log_in(settings)
            assert relay.encrypted == [outcome == "encrypted"]


@pytest.mark.parametrize(
    ("mode", "accepted"),
    [("allow", True), ("prefer", True), ("require", False), ("verify-full", False)],
)
async def test_a_server_without_tls_is_refused_from_require_on(
    server: Server, certificates: Certificates, mode: str, accepted: bool
) -> None:
    async with tls_relay(server, None) as relay:
        file = certificates.ours if mode == "verify-full" else ""
        settings = settings_for(server, relay, mode, ssl_ca=file)
        if accepted:
            await log_in(settings)
            assert relay.encrypted == [False]
        else:
            with pytest.raises(ConnectionError, match="rejected SSL upgrade") as caught:
                await log_in(settings)
            assert not is_transient(caught.value)
            assert relay.encrypted == []


async def test_our_own_certificate_is_shown(server: Server, certificates: Certificates) -> None:
    files = {"ssl_cert": certificates.client_cert, "ssl_key": certificates.client_key}
    async with tls_relay(server, certificates.wants_client_cert) as relay:
        verified = {"ssl_ca": certificates.ours, **files}
        await log_in(settings_for(server, relay, "verify-full", **verified))
        await log_in(settings_for(server, relay, "require", **files))
        assert all(relay.client_certificates) and len(relay.client_certificates) == 2
        with pytest.raises((OSError, asyncpg.PostgresError)):
            await log_in(settings_for(server, relay, "require"))
        assert len(relay.client_certificates) == 2


async def test_the_url_and_the_pool_class_verify_as_well(
    server: Server, certificates: Certificates
) -> None:
    async with tls_relay(server, certificates.right_name) as relay:
        for file in (certificates.ours, certificates.other):
            settings = settings_for(server, relay, "verify-full", ssl_ca=file)
            if file == certificates.other:
                with pytest.raises(ssl.SSLCertVerificationError):
                    await asyncpg.connect(settings.get_connection_string(), timeout=10)
                with pytest.raises(ssl.SSLCertVerificationError):
                    await DatabasePool().initialize(**settings.get_initialize_kwargs())
            else:
                connection = await asyncpg.connect(settings.get_connection_string(), timeout=10)
                await connection.close(timeout=10)
                async with DatabasePool() as pool:
                    await pool.initialize(**settings.get_initialize_kwargs())
        assert relay.encrypted and all(relay.encrypted)


async def test_a_url_that_asyncpg_and_psql_would_refuse_is_not_made(
    server: Server, certificates: Certificates
) -> None:
    """For verify-full without an authority of its own; the keyword arguments need none."""
    settings = DatabaseSettings(_env_file=None, host="localhost", ssl_mode="verify-full")
    assert settings.get_pool_kwargs()["ssl"].check_hostname
    with pytest.raises(ValueError, match=r"DB_SSL_CA.*get_pool_kwargs"):
        settings.get_connection_string()
    for mode in ("disable", "prefer", "require"):
        assert settings.model_copy(update={"ssl_mode": mode}).get_connection_string()
    # Why: neither the name of no file nor libpq's word for the system's authorities will do.
    async with tls_relay(server, certificates.right_name) as relay:
        for file in ("", "&sslrootcert=system"):
            url = f"postgresql://localhost:{relay.port}/postgres?sslmode=verify-full{file}"
            with pytest.raises((asyncpg.ClientConfigurationError, FileNotFoundError)):
                await asyncpg.connect(url, user=server.user, timeout=10)
        assert relay.encrypted == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ssl_ca": "ca.pem"}, "does not check the server's certificate"),
        ({"ssl_mode": "require", "ssl_ca": "ca.pem"}, "does not check the server's certificate"),
        ({"ssl_mode": "verify-ca"}, "Name the authority in DB_SSL_CA"),
        ({"ssl_cert": "a.pem", "ssl_key": "a.key"}, "need TLS"),
        ({"ssl_mode": "require", "ssl_key": "a.key"}, "without DB_SSL_CERT"),
        ({"ssl_mode": "on"}, "DB_SSL_MODE is 'on'. Write one of: disable"),
    ],
)
def test_a_promise_that_would_not_be_kept_is_refused(fields: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        DatabaseSettings(_env_file=None, **fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ssl_ca": "/no/such/file.pem"}, "DB_SSL_CA is '/no/such/file.pem'"),
        ({"ssl_cert": "/no/such/cert.pem"}, "DB_SSL_CERT is '/no/such/cert.pem'"),
    ],
)
def test_a_missing_certificate_is_named_in_a_sentence(fields: dict[str, str], says: str) -> None:
    settings = DatabaseSettings(_env_file=None, ssl_mode="verify-full", **fields)
    with pytest.raises(ValueError, match=says):
        settings.get_pool_kwargs()
