"""OData, the protocol of SAP and 1C: one client for versions 2, 3 and 4, which differ in a handful of points.

Layout: client.py asks, dialect.py knows what differs between the versions, envelope.py takes answers apart, faults.py
reads refusals, metadata.py reads ``$metadata``, auth.py signs in, reading.py goes through a set without losing a row.

It only reads. What writes (a CSRF token together with the cookies it belongs to, deep inserts, ``If-Match``) belongs
in a file of its own beside these, with a client of its own methods, so that a reader can never write by mistake.
"""
