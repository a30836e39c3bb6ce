"""The data dir and the secret in it: made once, for the owner only, and never replaced by something weaker."""

import errno
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from editqueue.domain.errors import SetupError
from editqueue.settings import Settings
from editqueue.wiring.data_dir import jwt_secret, kept_jwt_secret, prepared_data_dir


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Settings:
    return embedded_in(tmp_path / "data")


def embedded_in(folder: Path) -> Settings:
    return Settings.model_validate({"EDITQUEUE_DATA_DIR": folder})


def test_a_given_secret_is_used_and_nothing_made(tmp_path: Path) -> None:
    settings = Settings.model_validate({"EDITQUEUE_DATA_DIR": tmp_path / "data", "JWT_SECRET": "j" * 32})

    assert jwt_secret(settings) == "j" * 32
    assert not settings.data_dir.exists()


def test_a_database_of_your_own_needs_a_secret_of_your_own() -> None:
    settings = Settings.model_validate({"EDITQUEUE_DATABASE_URL": "postgresql://localhost/editqueue"})

    with pytest.raises(SetupError, match="JWT_SECRET is missing"):
        jwt_secret(settings)


def test_the_secret_is_made_once_and_for_the_owner_only(settings: Settings) -> None:
    first = jwt_secret(settings)

    assert jwt_secret(settings) == first
    assert len(first) == 64
    assert stat.S_IMODE((settings.data_dir / "jwt_secret").stat().st_mode) == 0o600
    assert [path.name for path in settings.data_dir.iterdir()] == ["jwt_secret"]


def test_who_makes_nothing_reads_the_secret_that_is_given_or_kept_and_no_other(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match="no JWT_SECRET, and none is kept"):
        kept_jwt_secret(settings)
    assert not settings.data_dir.exists()

    assert jwt_secret(settings) == kept_jwt_secret(settings)
    given = Settings.model_validate({"EDITQUEUE_DATA_DIR": tmp_path / "other", "JWT_SECRET": "j" * 32})
    assert kept_jwt_secret(given) == "j" * 32


def test_concurrent_makers_agree_on_one_secret(settings: Settings) -> None:
    with ThreadPoolExecutor(16) as makers:
        secrets = {made.result() for made in [makers.submit(jwt_secret, settings) for _ in range(64)]}

    assert len(secrets) == 1


def test_an_emptied_secret_file_is_refused_not_used(settings: Settings) -> None:
    jwt_secret(settings)
    (settings.data_dir / "jwt_secret").write_text("")

    with pytest.raises(SetupError, match="jwt_secret"):
        jwt_secret(settings)


def test_a_secret_file_that_cannot_be_read_is_named(settings: Settings) -> None:
    (settings.data_dir / "jwt_secret").mkdir(parents=True)

    with pytest.raises(SetupError, match="jwt_secret"):
        jwt_secret(settings)


def test_a_file_in_the_place_of_the_data_dir_or_above_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("a file")

    for folder in (tmp_path / "plain", tmp_path / "plain" / "data"):
        with pytest.raises(SetupError) as caught:
            prepared_data_dir(embedded_in(folder))

        assert str(caught.value) == (
            f"EDITQUEUE_DATA_DIR={folder}: {tmp_path}/plain is a file and no folder; choose a folder you may write, "
            "for example EDITQUEUE_DATA_DIR=/var/lib/editqueue"
        )


def test_a_full_disk_is_told_and_nothing_is_left_on_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_it_full(path: Path, _: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", find_it_full)
        with pytest.raises(SetupError, match="No space left on device; free space"):
            prepared_data_dir(settings)

    assert list(settings.data_dir.iterdir()) == []
