"""Which of the client's shipped tests run on which dialect, and why the rest do not. A reason speaks of the test, never of us."""

SYMBOL = {"mexc": "BTC/USDT", "binance": "BTC/EUR", "kraken": "BTC/EUR"}
CODE = {"mexc": "USDT", "binance": "EUR", "kraken": "EUR"}
REST_ONLY = frozenset({"kraken"})
"""Dialects whose streams the product does not use."""


SPOT_ONLY = "it is about derivatives, margin or the wallet: the product refuses all three, and so does its exchange"
WALLET = frozenset({
    "fetch_ledger", "fetch_deposits", "fetch_withdrawals", "fetch_transfers", "fetch_deposit_withdrawals",
    "fetch_transaction_fees", "fetch_positions", "fetch_leverage_tiers", "fetch_market_leverage_tiers",
    "fetch_margin_mode", "fetch_margin_modes", "fetch_funding_rate_history", "fetch_open_interest_history", "fetch_borrow_interest",
    "fetch_liquidations", "fetch_my_liquidations", "fetch_ledger_entry",
    "un_watch_positions",
    "watch_position", "watch_positions", "watch_liquidations",
    "watch_liquidations_for_symbols",
})  # fmt: skip
NOT_RUN = {
    "fetch_markets": "as shipped it asks that the list of markets be an object; load_markets checks each of them",
    "proxies": "it asks a proxy on the internet",
    "after_construct": "it compares the client's addresses with those of the real venue, and here every one of them is moved",
    "create_order": "as shipped it cannot run: it adds text to a number, names an exception that it does not import, and asks for a"
    " rounding that the client's own assertion forbids; tests/venues walks the life of an order instead",
}
NOT_RUN_ON: dict[str, dict[str, str]] = {
    "mexc": {
        "watch_tickers": "the client offers it and then refuses it for every spot market",
        "watch_bids_asks": "the client subscribes, and hands what it hears to whoever watches a ticker: it never returns",
    },
    "kraken": dict.fromkeys(
        ("fetch_open_orders", "fetch_closed_orders"),
        "the client leaves an order's fee as the text that this venue sends, its own test wants a number and lets nobody skip that",
    ),
}
SKIPS: dict[str, dict[str, dict[str, str]]] = {
    "mexc": {
        "load_markets": {"currencyIdAndCode": "the test wants a currency for each of the client's common codes, whatever is listed"},
        "fetch_trades": {"sideSequence": "the test wants neighbouring prints to be on the side that their prices suggest"},
        "fetch_orders": {"timeInForce": "the client writes POST_ONLY where its own test wants PO"},
        "fetch_open_orders": {"timeInForce": "the client writes POST_ONLY where its own test wants PO"},
        "fetch_accounts": {"type": "the client has no type of account for spot, and leaves it empty"},
        "fetch_closed_orders": {
            "timeInForce": "the client writes POST_ONLY where its own test wants PO",
            "status": "the client asks spot for all orders and does not sort them: it takes a pair for the name of a market",
        },
        "watch_trades": {"sideSequence": "the test wants neighbouring prints to be on the side that their prices suggest"},
        "watch_orders": {"timeInForce": "the client writes POST_ONLY where its own test wants PO"},
    },
    "binance": {
        "fetch_order_book": dict.fromkeys(("timestamp", "datetime"), "the venue's book carries no time, and the client adds none"),
        "fetch_l2_order_book": dict.fromkeys(("timestamp", "datetime"), "the venue's book carries no time, and the client adds none"),
        "load_markets": {"currencyIdAndCode": "the test wants a currency for each of the client's common codes, whatever is listed"},
        "fetch_trades": {"sideSequence": "the test wants neighbouring prints to be on the side that their prices suggest"},
        "watch_trades": {"sideSequence": "the test wants neighbouring prints to be on the side that their prices suggest"},
        "watch_order_book": dict.fromkeys(("timestamp", "datetime"), "the venue's first book carries no time, and the client adds none"),
        "watch_order_book_for_symbols": dict.fromkeys(
            ("timestamp", "datetime"), "the venue's first book carries no time, and the client adds none"
        ),
    },
    "kraken": {
        "fetch_order_book": dict.fromkeys(
            ("timestamp", "datetime"), "each level has a time, the venue's book none, and the client adds none"
        ),
        "fetch_l2_order_book": dict.fromkeys(
            ("timestamp", "datetime"), "each level has a time, the venue's book none, and the client adds none"
        ),
        "load_markets": {"currencyIdAndCode": "the client itself writes BTC, where its currency is called XXBT, as the market's base"},
        "fetch_currencies": dict.fromkeys(
            ("withdraw", "deposit", "activeMajorCurrencies"), "the client leaves both empty for every currency of this venue"
        ),
    },
}
"""Parts of tests that are left out: by dialect, test and part, each with its reason."""
