"""The embedded exchange's own ledger: the ground truth that only a rehearsal has."""

import json
import urllib.request
from collections import Counter

from trader_core.settings import Settings


def venue_orders(settings: Settings) -> dict[str, int]:
    """Return how many orders the exchange of this home holds per client id, strangers included; raises OSError when it is gone."""
    said = json.loads((settings.folder() / "run" / "sandbox.json").read_text())
    request = urllib.request.Request(  # noqa: S310 - a loopback address from the announcement
        f"{said['admin_url']}/ledger?account={said['account']}", headers={"X-Sandbox-Token": said["admin_token"]}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        ledger = json.load(answer)
    return dict(Counter(order["client_id"] for order in ledger["orders"]))
