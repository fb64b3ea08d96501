"""Every table, imported once so that Alembic sees the whole schema."""

from app.activities import models as activities
from app.community import models as community
from app.contributions import models as contributions
from app.core import models as core
from app.core.database import Model
from app.identity import models as identity
from app.ledger import models as ledger
from app.merchants import models as merchants
from app.rewards import models as rewards
from app.rules import models as rules
from app.standings import models as standings

ROOMS = (
    core, identity, community, ledger, rules, standings,
    contributions, activities, rewards, merchants,
)  # fmt: skip

metadata = Model.metadata
