"""`./run bench` and `./run crash`."""

import sys


def main() -> None:
    """Hand over to the harness that the first word names."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "bench":
        from benchmarks.bench import main as run
    elif command == "crash":
        from benchmarks.crash.main import main as run
    else:
        sys.exit("Say what to run: bench or crash.")
    sys.exit(run(sys.argv[2:]))


if __name__ == "__main__":
    main()
