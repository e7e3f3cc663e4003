"""The command `emotion quantise`: the models in int8."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import console, errors, shown
from emotion.cli.crops import cut_out
from emotion.cli.parameters import with_options
from emotion.cli.places import DATA, DataFolder, needs_training
from emotion.exporters.options import QuantiseOptions
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import ModelFileError, OptionError
from emotion.models.manifest import regions_there
from emotion.models.options import Only
from emotion.models.shipped import refuse_shipped

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion quantise --models my-model         all models of your folder

emotion quantise lips --models my-model    one of them
"""


@app.command(epilog=EXAMPLES)
@with_options
def quantise(
    regions: Annotated[list[str] | None, typer.Argument(help="Regions to quantise; by default all.")] = None,
    data: DataFolder = DATA,
    *,
    engine: Annotated[EngineOptions, Only("models")],
    options: QuantiseOptions,
) -> None:
    """Quantise the models of your folder to int8, faster on a CPU, and keep those whose predictions agree."""
    _check(regions or (), engine.models)
    refuse_shipped(engine.models)
    try:
        from emotion.exporters.quantise import quantise as run_quantise  # noqa: PLC0415
    except ImportError as error:
        raise needs_training(error) from error
    failed: list[ModelFileError] = []
    for region in regions or cut_out(data, regions_there(engine.models)):
        try:
            made = run_quantise(region, engine.models, data, options.crops, options.seed, console.print)
        except ModelFileError as error:  # the other regions' models may still pass
            failed.append(error)
            errors.print(str(error))
        else:
            console.print(f"{shown(made.model)}, with {shown(made.manifest)}")
    if failed:
        raise typer.Exit(ModelFileError.exit_code)


def _check(regions: Sequence[str], models: Path) -> None:
    """Refuse an argument that is not a region, most likely the model folder itself."""
    there = regions_there(models)
    for name in regions:
        if there and name not in there:
            raise OptionError(
                "regions",
                f"{name} is no region of {shown(models)}, which has {', '.join(there)}; the model folder is "
                "named with --models.",
            )
