"""Where a server keeps its things, as people are told: whole paths, no passwords."""

from editqueue.adapters.job_store.databases.database_url import shown
from editqueue.ports.bucket import Bucket
from editqueue.setting_patterns import d1_database_id
from editqueue.settings import Settings
from editqueue.wiring.bucket_folder import bucket_folder
from editqueue.wiring.database_file import database_file


def shown_database(settings: Settings) -> str:
    """Raises SetupError for a URL that cannot be read."""
    file = database_file(settings)
    if file is not None:
        return str(file)
    return settings.database_url if d1_database_id(settings.database_url) else shown(settings.database_url)


def shown_bucket(settings: Settings, bucket: Bucket) -> str:
    folder = bucket_folder(settings)
    return f"s3://{bucket.name}" if folder is None else str(folder.absolute())
