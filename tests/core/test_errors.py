"""Errors say what was expected, found and to be done, in every process."""

import pickle

from trader_core.model.errors import GatehouseError, UnknownName


def test_an_error_crosses_the_border_between_processes_whole() -> None:
    error = UnknownName("a plan of alpha", "'nope'", "choose one of them")
    found = pickle.loads(pickle.dumps(error))
    assert (type(found), str(found)) == (UnknownName, str(error))
    assert (found.expected, found.found, found.todo) == (error.expected, error.found, error.todo)
    assert isinstance(found, GatehouseError)
