"""The Postgres side: tables made from record types, landing, gates, run log, cursors, tokens.

Nothing here knows a vendor or Prefect. It alone imports psycopg.
"""
