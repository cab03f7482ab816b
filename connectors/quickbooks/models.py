"""What QuickBooks records mean: one record type a table, one annotated field a column.

They stand in files by subject: `names` (whom the company deals with), `lists` (what transactions refer to), `sales`
and `sales_lines`, `purchases`, `banking` (money that moves), and `common` (what they share).
"""

from connectors.quickbooks import models_banking as banking
from connectors.quickbooks import models_common as common
from connectors.quickbooks import models_lists as lists
from connectors.quickbooks import models_names as names
from connectors.quickbooks import models_purchases as purchases
from connectors.quickbooks import models_sales as sales
from connectors.quickbooks import models_sales_lines as sales_lines

__all__ = ["banking", "common", "lists", "names", "purchases", "sales", "sales_lines"]
