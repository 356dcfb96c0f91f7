"""The environment, read once into one frozen value."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What the environment says; every variable begins with GATEHOUSE_ except LIVE_TRADING_ENABLED."""

    model_config = SettingsConfigDict(env_prefix="GATEHOUSE_", frozen=True, extra="ignore")

    home: Path = Path(".gatehouse")
    """Where the embedded PostgreSQL, secrets, reports and the compiled engine live."""
    database_url: SecretStr | None = None
    """A PostgreSQL of your own instead of the embedded one."""
    sandbox_port: int = 0
    """Port of the embedded exchange; 0 chooses a free one."""
    prefect_port: int = 0
    """Port of the local Prefect server; 0: 4200 when it is free, else a free one."""
    slack_webhook: SecretStr | None = None
    """Where alerts go; `sink` keeps them in alerts.jsonl of the home folder instead."""
    metrics_port: int = 0
    """First port of the traders' Prometheus endpoints, on loopback; 0: none."""
    venue_key: SecretStr | None = None
    venue_secret: SecretStr | None = None
    streams: bool = True
    """Whether traders listen to websockets where the venue has them; otherwise they ask by REST alone."""
    log_level: str = "INFO"
    live_trading_enabled: bool = Field(default=False, validation_alias="LIVE_TRADING_ENABLED")

    def orders_withheld(self) -> str:
        """Return why this environment places no order on a real venue, or an empty text."""
        return "" if self.live_trading_enabled else "LIVE_TRADING_ENABLED is not true"

    def folder(self) -> Path:
        """Return the absolute home folder."""
        return self.home.absolute()
