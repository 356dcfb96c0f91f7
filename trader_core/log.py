"""Structured log lines on stderr, without secrets; what a program answers goes to stdout and never through here."""

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"secret|password|passwd|token|api_?key|private|signature|authorization|^key$", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)|((?:signature|apiKey|api_key|secret|password|token)=)[^&\s]+", re.IGNORECASE)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Return the event with every value hidden whose name says secret, and passwords and signatures cut out of texts."""
    return {name: HIDDEN if _SECRET_NAME.search(name) else _clean(value) for name, value in event.items()}


def clean_text(text: str) -> str:
    """Return a text with passwords, tokens and signatures cut out."""
    return _SECRET_TEXT.sub(lambda match: f"{match[1] or match[2]}{HIDDEN}", text)


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {name: HIDDEN if _SECRET_NAME.search(str(name)) else _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def configure(level: str = "INFO", *, as_json: bool | None = None, stream: TextIO | None = None) -> None:
    """Make every later log line go to `stream` (stderr), as JSON unless that is a terminal; libraries speak from WARNING on."""
    target = stream or sys.stderr
    threshold = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    json_lines = not target.isatty() if as_json is None else as_json
    last: Processor = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), stream=target, format="%(levelname)s %(name)s %(message)s", force=True)


def get(**context: object) -> FilteringBoundLogger:
    """Return a logger whose every line carries `context`."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger.bind(**context)
