"""What is looked up when Prometheus asks, and not before."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class CountElsewhere(Collector):
    """A counter whose number somebody else keeps: a lock of Prometheus' is nothing to wait for when a line is lost."""

    def __init__(self, name: str, text: str, *, registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._counts: list[Callable[[], int]] = []
        registry.register(self)

    def counted_by(self, count: Callable[[], int]) -> None:
        self._counts.append(count)

    def collect(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._text, value=sum(count() for count in self._counts))


class DiskSpace(Collector):
    """Of the disks that hold the database and the bucket, where those are folders of this machine."""

    def __init__(self, *, registry: CollectorRegistry) -> None:
        self._folders: dict[str, Path] = {}
        registry.register(self)

    def watch(self, holds: str, folder: Path) -> None:
        """`holds` says what is in the folder: "database", "bucket"."""
        self._folders[holds] = folder

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """A folder that cannot be asked has no samples."""
        free = GaugeMetricFamily(
            "editqueue_disk_free_bytes",
            "Free on the disk of this folder, for users that are not root",
            labels=["holds"],
        )
        size = GaugeMetricFamily("editqueue_disk_size_bytes", "Size of the disk of this folder", labels=["holds"])
        for holds, folder in self._folders.items():
            try:
                space = shutil.disk_usage(folder)
            except OSError:
                continue
            free.add_metric([holds], space.free)
            size.add_metric([holds], space.total)
        yield free
        yield size
