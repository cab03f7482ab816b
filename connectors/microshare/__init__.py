"""Microshare: clusters of devices on the EverSmart IoT platform, and the inspection points they stand at."""

from connectors.microshare.client import MicroshareClient as MicroshareClient
