"""What a person sees when the service starts."""

import typer

from app.core import qr
from app.setup.demo import ROLES, Demo


def show_demo(demo: Demo) -> None:
    """Print who can sign in."""
    typer.echo(f"\nDemo community: {demo.community_name}. Sign in by name (local provider):")
    for ticket, description in ROLES.items():
        typer.echo(f"  {ticket:<13} {description}")


def show_start(demo: Demo, link: str, base_url: str) -> None:
    """Print what to try next."""
    typer.echo(f"\n{qr.terminal(link)}")
    typer.echo(f"The code above is the check-in poster of “{demo.activity.title}”, open now.")
    show_demo(demo)
    typer.echo(f"""
Try it:
  TOKEN=$(curl -s {base_url}/v1/auth/local -H 'Content-Type: application/json' \\
    -d '{{"ticket": "resident-1"}}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s {base_url}/v1/me/home -H "Authorization: Bearer $TOKEN"
  curl -s {base_url}/v1/me/check-ins -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -d '{{"code": "{link}"}}'

API and docs: {base_url}/docs      Stop with Ctrl-C.
""")
