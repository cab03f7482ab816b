"""What may be proposed and done without asking, as the connection says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of the reconciliation; see the fields of the same names in blocks/microshare.py."""

    stale_days: int = 30
    delete_devices: bool = False
    max_deletions: int = 10
    max_deletion_percent: float = 5.0
    undo_days: float = 7.0
    service_window_hours: float = 72.0
    settle_s: float = 10.0
