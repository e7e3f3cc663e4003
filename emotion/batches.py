"""A class that analyses batches of photographs, for ``map_batches`` of Ray Data and similar libraries."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emotion.models.errors import EmotionError, OptionError
from emotion.recognizer import Recognizer
from emotion.results import Result, Results

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS = ("image", "bytes", "path")


class FaceRows:
    """Turns batches of photographs into one row per face; each worker loads the models once.

    ::

        photographs = ray.data.read_images("s3://bucket/photos/", include_paths=True, mode="RGB")
        faces = photographs.map_batches(
            emotion.FaceRows,
            fn_constructor_kwargs={"models": "lite", "rgb": True},
            compute=ray.data.ActorPoolStrategy(size=8),
            num_cpus=1,
        )
        faces.write_parquet("s3://bucket/faces/")

    A batch is a dict of columns of equal length. The first of these columns is used: ``image`` (arrays,
    uint8 (height, width, 3)), ``bytes`` (contents of files) or ``path`` (files, also in a store). Rows have
    ``file`` (the ``path`` of the batch, or empty), the columns of `Results.to_arrow`, and ``error``, the
    reason why a photograph cannot be read. A photograph without a face gives one row without a face.

    Args:
        models: as for `emotion.Recognizer`.
        rgb: arrays are in RGB order, as in Ray, PIL and matplotlib.
        chosen: options by name, for example ``max_faces=2``.
    """

    def __init__(self, models: Any = None, *, rgb: bool = False, **chosen: Any) -> None:
        self._reader = Recognizer(models, **chosen)
        self._rgb = rgb
        # The columns, which depend on models and options.
        self._none = Results([self._reader.analyze(np.zeros((8, 8, 3), np.uint8))]).to_arrow().slice(0, 0)

    def __call__(self, batch: Mapping[str, Any]) -> "pa.Table":
        """The rows of a batch; unreadable photographs come last.

        Raises:
            OptionError: the batch has none of the columns.
        """
        kind = next((name for name in _KINDS if name in batch), None)
        if kind is None:
            raise OptionError("batch", f"A batch has a column {', '.join(_KINDS)}, not {', '.join(batch)}.")
        pictures = batch[kind]
        names = [str(name) for name in batch.get("path", [""] * len(pictures))]
        results: list[Result] = []
        failed: dict[str, list[str]] = {"file": [], "error": []}
        for name, picture in zip(names, pictures, strict=True):
            try:
                result = self._reader.analyze(_given(picture), rgb=self._rgb)
            except EmotionError as error:
                failed["file"].append(name)
                failed["error"].append(str(error))
            else:
                results.append(result.called(name))
        table = Results(results).to_arrow() if results else self._none
        return _with_failed(table, failed)


def _given(picture: Any) -> Any:
    """A picture as `Recognizer.analyze` takes it, of a column's entry."""
    if isinstance(picture, np.ndarray):
        return picture
    return bytes(picture) if isinstance(picture, bytes | bytearray | memoryview) else str(picture)


def _with_failed(table: "pa.Table", failed: Mapping[str, Sequence[str]]) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415  it takes a tenth of a second

    # Every batch has the same types, whatever words are in it.
    plain = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    table = table.cast(pa.schema(plain))
    table = table.append_column("error", pa.nulls(table.num_rows, pa.string()))
    texts = pa.schema([("file", table.schema.field("file").type), ("error", pa.string())])
    return pa.concat_tables([table, pa.table(dict(failed), texts)], promote_options="default")
