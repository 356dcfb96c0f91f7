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
    venue_key: SecretStr | None = None
    venue_secret: SecretStr | None = None
    log_level: str = "INFO"
    live_trading_enabled: bool = Field(default=False, validation_alias="LIVE_TRADING_ENABLED")

    def folder(self) -> Path:
        """Return the absolute home folder."""
        return self.home.absolute()
