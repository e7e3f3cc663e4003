"""Videos sent to the server: the queue, its files on disk, the worker processes."""
