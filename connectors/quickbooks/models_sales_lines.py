"""The lines, taxes and links of documents to customers: what they are is in models_sales, here is whose they are."""

from typing import Annotated

from connectors.quickbooks.models_common import LinkedTxn, TaxLine
from connectors.quickbooks.models_sales import BundleLine, SalesLine
from connectors.stream import column


class InvoiceLine(SalesLine, kw_only=True):
    """A line of an invoice; which columns are filled follows from detail_type."""

    invoice_id: Annotated[str, column("Invoice the line is on", source="^Id")]


class InvoiceLineBundle(BundleLine, kw_only=True):
    """A line within a line of an invoice that sells a bundle."""

    invoice_id: Annotated[str, column("Invoice the line is on", source="^Id")]
    invoice_line_index: Annotated[int, column("Position of the bundle's line, from 0", source="#^")]


class InvoiceTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on an invoice."""

    invoice_id: Annotated[str, column("Invoice that is taxed", source="^Id")]


class InvoiceLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to an invoice."""

    invoice_id: Annotated[str, column("Invoice it is tied to", source="^Id")]


class EstimateLine(SalesLine, kw_only=True):
    """A line of an estimate; which columns are filled follows from detail_type."""

    estimate_id: Annotated[str, column("Estimate the line is on", source="^Id")]


class EstimateLineBundle(BundleLine, kw_only=True):
    """A line within a line of an estimate that sells a bundle."""

    estimate_id: Annotated[str, column("Estimate the line is on", source="^Id")]
    estimate_line_index: Annotated[int, column("Position of the bundle's line, from 0", source="#^")]


class EstimateTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on an estimate."""

    estimate_id: Annotated[str, column("Estimate that is taxed", source="^Id")]


class EstimateLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to an estimate."""

    estimate_id: Annotated[str, column("Estimate it is tied to", source="^Id")]


class CreditMemoLine(SalesLine, kw_only=True):
    """A line of a credit memo; which columns are filled follows from detail_type."""

    credit_memo_id: Annotated[str, column("Credit memo the line is on", source="^Id")]


class CreditMemoLineBundle(BundleLine, kw_only=True):
    """A line within a line of a credit memo that sells a bundle."""

    credit_memo_id: Annotated[str, column("Credit memo the line is on", source="^Id")]
    credit_memo_line_index: Annotated[int, column("Position of the bundle's line, from 0", source="#^")]


class CreditMemoTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a credit memo."""

    credit_memo_id: Annotated[str, column("Credit memo that is taxed", source="^Id")]


class CreditMemoLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to a credit memo."""

    credit_memo_id: Annotated[str, column("Credit memo it is tied to", source="^Id")]


class SalesReceiptLine(SalesLine, kw_only=True):
    """A line of a sales receipt; which columns are filled follows from detail_type."""

    sales_receipt_id: Annotated[str, column("Sales receipt the line is on", source="^Id")]


class SalesReceiptLineBundle(BundleLine, kw_only=True):
    """A line within a line of a sales receipt that sells a bundle."""

    sales_receipt_id: Annotated[str, column("Sales receipt the line is on", source="^Id")]
    sales_receipt_line_index: Annotated[int, column("Position of the bundle's line, from 0", source="#^")]


class SalesReceiptTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a sales receipt."""

    sales_receipt_id: Annotated[str, column("Sales receipt that is taxed", source="^Id")]


class SalesReceiptLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to a sales receipt."""

    sales_receipt_id: Annotated[str, column("Sales receipt it is tied to", source="^Id")]


class RefundReceiptLine(SalesLine, kw_only=True):
    """A line of a refund receipt; which columns are filled follows from detail_type."""

    refund_id: Annotated[str, column("Refund receipt the line is on", source="^Id")]


class RefundReceiptLineBundle(BundleLine, kw_only=True):
    """A line within a line of a refund receipt that sells a bundle."""

    refund_id: Annotated[str, column("Refund receipt the line is on", source="^Id")]
    refund_receipt_line_index: Annotated[int, column("Position of the bundle's line, from 0", source="#^")]


class RefundReceiptTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a refund receipt."""

    refund_receipt_id: Annotated[str, column("Refund receipt that is taxed", source="^Id")]


class RefundReceiptLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction tied to a refund receipt."""

    refund_receipt_id: Annotated[str, column("Refund receipt it is tied to", source="^Id")]
