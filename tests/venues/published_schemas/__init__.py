"""What the ccxt project's published payloads look like: names of fields and types of values, and how our answers differ.

Read from its captured responses (`ts/src/test/static/response/NAME.json`), market and currency files (`…/static/markets`,
`…/static/currencies`), websocket messages (`…/static/ws`) and the payloads in comments of its client's code. No value and no text of
them stands here.
"""
