import os
import pwd
from dataclasses import dataclass

ROOT = 0


@dataclass(frozen=True)
class Account:
    """The user PostgreSQL runs as: ourselves, or for root an account without its powers."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()

    @property
    def switch_to_uid(self) -> int | None:
        return self.uid if self.is_other else None

    @property
    def switch_to_gid(self) -> int | None:
        return self.gid if self.is_other else None

    @property
    def switch_to_groups(self) -> list[int] | None:
        return [] if self.is_other else None


def account_of(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def name_of_user(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name
