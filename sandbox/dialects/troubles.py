"""What each venue says when it is in trouble, in its own form and with its own codes. Pure data.

Kept from the clients' tables of codes and the venues' pages; none was captured. `UNTRUE` is an acknowledgement of an order that does
not exist, of which a changed answer is made when nothing was executed.
"""

from collections.abc import Mapping

from sandbox.fault_rules import Answer, Trouble

_BUSY = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
TROUBLES: Mapping[str, Mapping[Trouble, Answer]] = {
    "mexc": {
        Trouble.RATE: Answer(429, b'{"code":429,"msg":"Too Many Requests"}'),
        Trouble.BANNED: Answer(418, b'{"code":429,"msg":"Too Many Requests"}'),
        Trouble.INTERNAL: Answer(500, b'{"code":500,"msg":"Internal Server Error"}'),
        Trouble.MAINTENANCE: Answer(503, b'{"code":801,"msg":"System under maintenance"}'),
        Trouble.UNKNOWN: Answer(400, b'{"code":-9999,"msg":"unexpected"}'),
        Trouble.CLOCK: Answer(400, b'{"code":700003,"msg":"Timestamp for this request is outside of the recvWindow."}'),
    },
    "binance": {
        Trouble.RATE: Answer(429, b'{"code":-1003,"msg":"%b"}' % _BUSY.encode()),
        Trouble.BANNED: Answer(418, b'{"code":-1003,"msg":"Way too much request weight used; IP banned."}'),
        Trouble.INTERNAL: Answer(500, b'{"code":-1000,"msg":"An unknown error occurred while processing the request."}'),
        Trouble.MAINTENANCE: Answer(503, b'{"code":1,"msg":"System is under maintenance."}'),
        Trouble.UNKNOWN: Answer(400, b'{"code":-9999,"msg":"unexpected"}'),
        Trouble.CLOCK: Answer(400, b'{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}'),
    },
    "kraken": {
        Trouble.RATE: Answer(429, b'{"error":["EAPI:Rate limit exceeded"]}'),
        Trouble.BANNED: Answer(418, b'{"error":["EGeneral:Temporary lockout"]}'),
        Trouble.INTERNAL: Answer(500, b'{"error":["EGeneral:Internal error"]}'),
        Trouble.MAINTENANCE: Answer(503, b'{"error":["EService:Unavailable"]}'),
        Trouble.UNKNOWN: Answer(200, b'{"error":["EGeneral:Unexpected"]}'),
        Trouble.CLOCK: Answer(200, b'{"error":["EAPI:Invalid nonce"]}'),
    },
}
UNTRUE: Mapping[str, Answer] = {
    "mexc": Answer(200, b'{"symbol":"BTCUSDT","orderId":"C02__1","orderListId":-1,"price":"1","origQty":"1"}'),
    "binance": Answer(
        200,
        b'{"symbol":"BTCUSDT","orderId":1,"orderListId":-1,"clientOrderId":"x-1","transactTime":1,"price":"1","origQty":"1",'
        b'"executedQty":"0","cummulativeQuoteQty":"0","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY","fills":[]}',
    ),
    "kraken": Answer(200, b'{"error":[],"result":{"txid":["OAAAAA-AAAAA-AAAAAA"],"descr":{"order":"buy 1 BTCEUR @ limit 1"}}}'),
}
