"""Cetec ERP: its customers, and whether each one's backup database is where it should be.

client talks, records reads one record, states decides, enrich puts all of it together, models and streams declare.
"""
