"""Tells people what they should hear of, through the channel that they have chosen."""

from uuid import UUID

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.telling import NotTold, tell_all


@flow(name="tell-people", log_prints=True, persist_result=False)
def tell_people(event: UUID | None = None) -> State:
    """Send every message of the past week that people have not got through the block `landfall-alerts`.

    An automation starts this when there is something to tell. It goes on trying for eight hours; what is not delivered
    then is sent with the next message, or when somebody runs this.

    Args:
        event: The id of the event that is the reason, which the server's feed may not know for some seconds.
    """
    try:
        told = tell_all(event)
    except NotTold as error:
        return Failed(message=str(error))
    except TimeoutError:
        return Failed(
            message="The channel did not answer in time, for eight hours. Look after it, then run this again."
        )
    return Completed(message=f"{told} delivered" if told else "Everything has been delivered")
