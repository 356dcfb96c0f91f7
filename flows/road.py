"""The flow `road`: advances roads by a step where they can be; a person rarely needs it, every step does so at its end."""

from prefect import flow

from flows.common import HOOKS, RoadId, described
from tasks import declared_road as declared


@flow(name="road", flow_run_name="road-{road_id}", persist_result=False, **HOOKS)
@described
def road(road_id: RoadId = "") -> dict[str, str]:
    """Advance one road, or all that go on, by what their rows say comes next; return what each waits for or how it ended."""
    return {one: declared.advance_road(one) for one in ([road_id] if road_id else declared.open_roads())}
