"""The entry point of a worker process: see `emotion.study.worker`."""

import json
import os
import sys


def main() -> None:
    """Start it; its one argument is `Options` as JSON."""
    # What libraries print goes to standard error, so that reports stay clean.
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from emotion.models.cores import leave_out_opencv_threads  # noqa: PLC0415
    from emotion.models.native.log import filter_standard_error  # noqa: PLC0415
    from emotion.models.native.memory import share_heaps  # noqa: PLC0415
    from emotion.models.options import from_mapping  # noqa: PLC0415
    from emotion.realtime.options import Options  # noqa: PLC0415
    from emotion.study import worker  # noqa: PLC0415

    share_heaps()
    leave_out_opencv_threads()
    filter_standard_error()
    worker.main(from_mapping(Options, json.loads(sys.argv[1])), reports)


if __name__ == "__main__":
    main()
