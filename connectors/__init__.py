"""One package a system: how to talk to it, what its records mean, which streams it offers.

Nothing here knows Prefect or Postgres.
"""
