"""Settings, read once from the environment (`GRIDPOINTS_…`)."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.embedded import default_data_dir


class WeChatPushSecrets(BaseModel):
    """What one mini-program's message push is configured with in WeChat's console."""

    token: SecretStr
    aes_key: SecretStr | None = None


class WeChatTemplate(BaseModel):
    """A subscription-message template: its id, where it leads, and which field says what.

    `fields` maps WeChat's field names (`thing1`) to ours, e.g. `title`, `status`, `time`.
    """

    template_id: str
    page: str | None = None
    fields: dict[str, str]


class Settings(BaseSettings):
    """What an operator may set; every value has a default that works on one machine.

    Without `database_url` the embedded PostgreSQL in `data_dir` is used, and the local identity
    provider is on; with it, sign-in is WeChat's unless `local_sign_in` says otherwise.
    Keys of `wechat_apps`, `wechat_push` and `wechat_messages` are app ids; a message kind of
    the latter is `case_progress` or any kind the inbox knows. Photos go to a folder in
    `data_dir` unless `photo_store` names a service; its options are opendal's (bucket,
    endpoint, access_key_id, …). Originals are kept `original_days`, sealed, then destroyed.
    `witnesses` are the public keys (`name+id+key`) of those who may countersign checkpoints.
    """

    model_config = SettingsConfigDict(env_prefix="GRIDPOINTS_", extra="ignore")

    database_url: str | None = None
    owner_database_url: str | None = None
    data_dir: Path = Field(default_factory=default_data_dir)
    master_key: SecretStr | None = None
    local_sign_in: bool | None = None
    public_base_url: str = "http://127.0.0.1:8000"
    wechat_apps: dict[str, SecretStr] = Field(default_factory=dict)
    wechat_base_url: str = "https://api.weixin.qq.com"
    wechat_push: dict[str, WeChatPushSecrets] = Field(default_factory=dict)
    wechat_messages: dict[str, dict[str, WeChatTemplate]] = Field(default_factory=dict)
    photo_store: Literal["fs", "s3", "cos", "oss"] = "fs"
    photo_store_options: dict[str, SecretStr] = Field(default_factory=dict)
    witnesses: list[str] = Field(default_factory=list)
    original_days: int = Field(default=30, ge=1, le=365)
    access_token_minutes: int = Field(default=15, ge=1, le=120)
    refresh_token_days: int = Field(default=30, ge=1, le=365)
    max_body_bytes: int = Field(default=1_048_576, ge=1024)
    max_photo_bytes: int = Field(default=10_485_760, ge=1024, le=10_485_760)
    pool_size: int = Field(default=8, ge=1, le=100)
    log_format: Literal["console", "json"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def is_embedded(self) -> bool:
        return self.database_url is None

    @property
    def allows_local_sign_in(self) -> bool:
        return self.is_embedded if self.local_sign_in is None else self.local_sign_in
