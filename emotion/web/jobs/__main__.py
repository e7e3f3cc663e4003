"""The entry point of a worker process: see `emotion.web.jobs.worker`."""

import json
import os
import sys


def main() -> None:
    """Start it; its one argument is `WorkerOptions` as JSON."""
    # What libraries print goes to standard error, so that reports stay clean.
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from emotion.models.cores import leave_out_opencv_threads  # noqa: PLC0415
    from emotion.models.native.memory import share_heaps  # noqa: PLC0415
    from emotion.models.options import from_mapping  # noqa: PLC0415
    from emotion.web.jobs import worker  # noqa: PLC0415

    share_heaps()
    leave_out_opencv_threads()
    worker.main(from_mapping(worker.WorkerOptions, json.loads(sys.argv[1])), reports)


if __name__ == "__main__":
    main()
