"""ERPs of any kind in one model.

``models`` says what lands, ``mapping`` where a vendor's record holds it, ``streams`` joins the two. A kind of ERP is a
client (see ``kinds.ErpClient``), a default mapping in ``mappings/`` and a block.
"""
