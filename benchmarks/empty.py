"""What Prefect alone costs: `import`, a flow without tasks (`flow`), or one with a task a stream (`tasks`)."""

import sys

from prefect import flow, task

STREAMS = 4  # of QuickBooks


@task(name="nothing", persist_result=False)
def nothing() -> None:
    """Do nothing."""


@flow(name="bench-empty", persist_result=False)
def empty(tasks: int) -> None:
    """Run tasks side by side, as a sync does with its streams."""
    for future in [nothing.submit() for _ in range(tasks)]:
        future.result()


if __name__ == "__main__" and sys.argv[1] != "import":
    empty(STREAMS if sys.argv[1] == "tasks" else 0)
