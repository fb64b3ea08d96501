"""Every table, imported once so that Alembic sees the whole schema."""

from app.activities import models as activities
from app.audit import models as audit
from app.cases import models as cases
from app.community import models as community
from app.contributions import models as contributions
from app.contributions.claims import models as claims
from app.contributions.duties import models as duties
from app.contributions.lists import models as award_lists
from app.contributions.repairs import models as repairs
from app.core import models as core
from app.core.database import Model
from app.funds import models as funds
from app.governance import models as governance
from app.identity import models as identity
from app.ledger import models as ledger
from app.ledger.seals import models as seals
from app.media import models as media
from app.merchants import models as merchants
from app.notices import models as notices
from app.notifications import models as notifications
from app.privacy import models as privacy
from app.rewards import models as rewards
from app.rules import models as rules
from app.standings import models as standings
from app.wechat import models as wechat

ROOMS = (
    core, wechat, identity, community, media, notifications, notices, ledger, seals, rules,
    standings, contributions, claims, award_lists, duties, repairs, activities, cases, rewards,
    funds, merchants, governance, privacy, audit,
)  # fmt: skip

metadata = Model.metadata
