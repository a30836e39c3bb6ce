"""What is made and kept in the data dir: the folder itself, and a secret for the embedded default."""

import contextlib
import os
import secrets
from pathlib import Path

from editqueue.adapters.bucket.local.syncing import sync_with_parents
from editqueue.domain.errors import SetupError
from editqueue.settings import Settings
from editqueue.settings.checks import SHORTEST_SECRET

_REMEDY = "give JWT_SECRET, for example JWT_SECRET=$(openssl rand -hex 32)"


def prepared_data_dir(settings: Settings) -> Path:
    """The data dir, made if need be. Raises SetupError when it cannot be written."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".probe-{secrets.token_hex(8)}"  # two containers may share a process id
        try:
            probe.write_bytes(b"x" * 4096)
        finally:
            probe.unlink(missing_ok=True)
        sync_with_parents(folder)
    except OSError as error:
        raise SetupError(
            f"EDITQUEUE_DATA_DIR={folder}: {_why_not(folder, error)} a folder you may write, "
            "for example EDITQUEUE_DATA_DIR=/var/lib/editqueue"
        ) from error
    return folder


def _why_not(folder: Path, error: OSError) -> str:
    """The beginning of a sentence that ends with what to give instead."""
    in_the_way = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
    if isinstance(error, (FileExistsError, NotADirectoryError)) and not in_the_way.is_dir():
        return f"{in_the_way.absolute()} is a file and no folder; choose"
    return f"{error.strerror}; free space or choose"


def jwt_secret(settings: Settings) -> str:
    """The secret; made and kept in the data dir for the embedded default. Raises SetupError."""
    if settings.given_jwt_secret is not None:
        return settings.given_jwt_secret
    path = _kept_at(settings)
    prepared_data_dir(settings)
    try:
        if not path.exists():
            _make_secret(path)
        sync_with_parents(path.parent)  # before a token is signed with it
    except OSError as error:
        raise _unusable(path, error) from error
    return _read_secret(path)


def kept_jwt_secret(settings: Settings) -> str:
    """The secret, for commands that make nothing. Raises SetupError, naming the folder, where there is none yet."""
    if not has_jwt_secret(settings):
        raise SetupError(
            f"there is no JWT_SECRET, and none is kept in {settings.data_dir.absolute()} (EDITQUEUE_DATA_DIR): call "
            "this where the system runs, or give its data dir, for example EDITQUEUE_DATA_DIR=/var/lib/editqueue, or "
            "its JWT_SECRET; `editqueue serve` makes a secret here when it starts"
        )
    return settings.given_jwt_secret or _read_secret(_kept_at(settings))


def has_jwt_secret(settings: Settings) -> bool:
    """False where `jwt_secret` would make one. Raises SetupError as that does."""
    if settings.given_jwt_secret is not None:
        return True
    path = _kept_at(settings)
    try:
        return path.exists() and _read_secret(path) != ""
    except OSError as error:
        raise _unusable(path, error) from error


def _kept_at(settings: Settings) -> Path:
    if not settings.embedded:
        raise SetupError(
            "JWT_SECRET is missing: with a database of your own, give the secret of your shop, "
            f"at least {SHORTEST_SECRET} characters, for example JWT_SECRET=$(openssl rand -hex 32)"
        )
    return settings.data_dir / "jwt_secret"


def _read_secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, error) from error
    if len(secret.encode()) < SHORTEST_SECRET:
        raise SetupError(f"{path}: the secret is shorter than {SHORTEST_SECRET} bytes; remove it, or {_REMEDY}")
    return secret


def _unusable(path: Path, error: Exception) -> SetupError:
    return SetupError(f"{path}: the secret cannot be read or made ({error}); {_REMEDY}")


def _make_secret(path: Path) -> None:
    """Two processes that start together agree on one: the first link stays."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()
