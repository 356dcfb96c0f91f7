"""Imported once by the process that the children of plans are forked from: nothing here may start a thread or open a socket."""

import console.main
import console.trader
import deployments.postgres
import sandbox.__main__
import trader_core.store.database
import trader_core.trader.exporter
import trader_core.trader.opening
import trader_core.trader.process
from trader_core.engine.warm import warm

LOADED = (console, deployments, sandbox, trader_core)
warm()
