"""The real journal, which also knows how many jobs were done, and when the last one ended.

Nobody reads its lines; an error is shown besides, for a bench would wait for jobs that never end.
"""

import time
import traceback

from editqueue.adapters.journal.metered import MeteredJournal
from editqueue.domain.jobs import EditJob
from editqueue.ports.journal import Course


class TimedJournal(MeteredJournal):
    last = 0.0
    done = 0

    def attempt(self, job: EditJob, course: Course) -> None:
        super().attempt(job, course)
        self.last = time.time()
        self.done += course.result == "done"

    def error(self, job_id: str | None, error: BaseException) -> None:
        super().error(job_id, error)
        traceback.print_exception(error)
