"""The files that a service has left, recomputed."""

from pathlib import Path

from app.cli.database import urls_of
from app.core.database import make_engine, make_sessionmaker
from app.core.embedded import EmbeddedPostgres
from app.setup.queries import lock_demo
from tests.support.auditing import assert_audit_clean
from tests.support.books import assert_books_balance


async def audit(data_dir: Path) -> None:
    """Start the database once more, and recompute the demo's book from its transfers."""
    with EmbeddedPostgres(data_dir) as address:
        engine = make_engine(urls_of(address).service, pool_size=1)
        async with make_sessionmaker(engine)() as session:
            demo = await lock_demo(session)
            assert demo is not None
            await assert_books_balance(session, demo.community_id)
            await assert_audit_clean(session, demo.community_id)
        await engine.dispose()
