"""`gridpoints openapi`: the API as documents."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from pydantic import SecretStr

from app.cli.plain import plain_app
from app.core.config import Settings
from app.core.openapi import write_documents
from app.core.sealing import new_master_key
from app.main import create_app

app = plain_app()


@app.command()
def openapi(
    folder: Annotated[Path, typer.Argument(help="Where to write the documents.")] = Path("openapi"),
) -> None:
    """Write the OpenAPI documents: one whole, one per caller."""
    # A key and folder of its own: describing the API must not make the data folder's.
    with TemporaryDirectory() as nowhere:
        settings = Settings(master_key=SecretStr(new_master_key()), data_dir=Path(nowhere))
        for file in write_documents(create_app(settings), folder):
            typer.echo(file)
