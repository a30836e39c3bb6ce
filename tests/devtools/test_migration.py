"""`make migration`: what schema.py declares and no migration makes yet becomes the next revision, for D1, too."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.config import Config

from devtools.migration import USAGE, main
from editqueue.adapters.job_store.opening.migrate import alembic_config

MIGRATIONS = Path(alembic_config().get_main_option("script_location") or "")


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[[], Config]:
    """Of a copy, where one table has no migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__", "000[4-9]*"))

    def make() -> Config:
        config = Config()
        config.set_main_option("script_location", str(folder))
        return config

    return make


def test_what_no_migration_makes_yet_becomes_the_next_revision_and_d1s_file(
    make_config: Callable[[], Config], tmp_path: Path
) -> None:
    main("Holders, of jobs", make_config=make_config, d1=tmp_path / "d1")

    written = (tmp_path / "migrations" / "versions" / "0004_holders_of_jobs.py").read_text()
    assert '"""Holders, of jobs"""' in written
    assert "revision = '0004'" in written.replace('"', "'")
    assert "down_revision = '0003'" in written.replace('"', "'")
    assert "oldest_program = '0003'" in written.replace('"', "'")
    assert 'op.add_column("edit_jobs", sa.Column("holder", sa.Text(), nullable=True))' in written
    assert "###" not in written
    sql = (tmp_path / "d1" / "0004_holders_of_jobs.sql").read_text()
    assert "ALTER TABLE edit_jobs ADD COLUMN holder TEXT" in sql
    assert "SET version_num='0004'" in sql


def test_a_second_one_finds_nothing_left_and_is_empty(make_config: Callable[[], Config], tmp_path: Path) -> None:
    main("holders", make_config=make_config, d1=tmp_path)

    main("fill them", make_config=make_config, d1=tmp_path)

    written = (tmp_path / "migrations" / "versions" / "0005_fill_them.py").read_text()
    assert "op." not in written
    assert (tmp_path / "0005_fill_them.sql").exists()


@pytest.mark.parametrize("name", ["", " ", "!"])
def test_without_a_name_it_says_how_to_give_one(name: str, make_config: Callable[[], Config], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make migration NAME=") as ended:
        main(name, make_config=make_config, d1=tmp_path / "d1")

    assert ended.value.code == USAGE
    assert not (tmp_path / "d1").exists()
