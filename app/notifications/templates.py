"""Which kinds of message have a WeChat template, by mini-program, as the settings say."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.config import WeChatTemplate


@dataclass(frozen=True, slots=True)
class Templates:
    """The setting `wechat_messages`: app id, then kind of message, then its template."""

    by_app: Mapping[str, Mapping[str, WeChatTemplate]]

    def of_kind(self, kind: str) -> list[tuple[str, WeChatTemplate]]:
        """Return (app id, template) for a kind, in the order in which apps are configured."""
        return [(app_id, kinds[kind]) for app_id, kinds in self.by_app.items() if kind in kinds]

    def kinds_of(self, app_id: str) -> dict[str, list[str]]:
        """Return an app's template ids, each with the kinds of message that it serves."""
        kinds_of: dict[str, list[str]] = {}
        for kind, template in self.by_app.get(app_id, {}).items():
            kinds_of.setdefault(template.template_id, []).append(kind)
        return kinds_of

    def app_of(self, template_id: str) -> str | None:
        """Return the app that a template belongs to; WeChat gives no id to two apps."""
        for app_id in self.by_app:
            if template_id in self.kinds_of(app_id):
                return app_id
        return None
