"""One look for every command: plain text, whatever libraries happen to be installed."""

import typer


def plain_app(text: str | None = None) -> typer.Typer:
    """Return an app for one command, or with a text about them for a group of several."""
    return typer.Typer(
        help=text,
        no_args_is_help=text is not None,
        add_completion=False,
        pretty_exceptions_show_locals=False,
        rich_markup_mode=None,
    )
