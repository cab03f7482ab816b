"""Money that moves: payments, deposits, transfers, journal entries; and time that was worked."""

from typing import Annotated

from connectors.quickbooks.models_common import (
    CURRENCY,
    HOME,
    OF_PARENT,
    Day,
    Flag,
    Instant,
    Line,
    LinkedTxn,
    Number,
    Row,
    TaxLine,
    Text,
    Transaction,
    Whole,
)
from connectors.quickbooks.models_sales import (
    VOIDED,
    CardAmount,
    CardAuthCode,
    CardMonth,
    CardName,
    CardPostalCode,
    CardProcess,
    CardStatus,
    CardStreet,
    CardTime,
    CardTransaction,
    CardType,
    CardYear,
)
from connectors.stream import column


class Payment(Transaction, kw_only=True):
    """A payment from a customer; what it pays is in payment_line_linked_txn."""

    customer_id: Annotated[Text, column("Customer who paid", source="CustomerRef.value")] = None
    customer_name: Annotated[Text, column("That customer's name when sent", source="CustomerRef.name")] = None
    total_amount: Annotated[Number, column("Paid", source="TotalAmt", unit=CURRENCY)] = None
    unapplied_amount: Annotated[Number, column("Not used for invoices yet", source="UnappliedAmt", unit=CURRENCY)] = (
        None
    )
    deposit_to_account_id: Annotated[Text, column("Account the money goes to", source="DepositToAccountRef.value")] = (
        None
    )
    deposit_to_account_name: Annotated[
        Text, column("Name of that account when sent", source="DepositToAccountRef.name")
    ] = None
    receivable_account_id: Annotated[Text, column("Receivables account", source="ARAccountRef.value")] = None
    payment_method_id: Annotated[Text, column("Method of payment", source="PaymentMethodRef.value")] = None
    payment_method_name: Annotated[Text, column("Name of that method when sent", source="PaymentMethodRef.name")] = None
    reference_number: Annotated[Text, column("Number of the check or transfer", source="PaymentRefNum")] = None
    process_payment: Annotated[Flag, column("Whether QuickBooks collects it", source="ProcessPayment")] = None
    transaction_source: Annotated[Text, column("What made it, if not a person", source="TxnSource")] = None
    transaction_status: Annotated[Text, column("Status, where it has one", source="TxnStatus")] = None
    credit_card_type: CardType = None
    credit_card_name_on_account: CardName = None
    credit_card_billing_address_street: CardStreet = None
    credit_card_postal_code: CardPostalCode = None
    credit_card_cc_expiry_month: CardMonth = None
    credit_card_cc_expiry_year: CardYear = None
    credit_card_amount: CardAmount = None
    credit_card_process_payment: CardProcess = None
    credit_card_status: CardStatus = None
    credit_card_auth_code: CardAuthCode = None
    credit_card_transaction_authorization_time: CardTime = None
    credit_card_cctrans_id: CardTransaction = None
    is_voided: Annotated[Flag, VOIDED] = None


class PaidLine(Row, kw_only=True):
    """What every line of a payment has."""

    line_id: Annotated[Text, column("Id of the line; most have none", source="Id")] = None
    line_num: Annotated[Whole, column("Number of the line", source="LineNum")] = None
    amount: Annotated[Number, column("Part of the payment", source="Amount", unit=OF_PARENT)] = None


class PaymentLine(PaidLine, kw_only=True):
    """A part of a payment from a customer."""

    payment_id: Annotated[str, column("Payment the line is on", source="^Id")]


class PaymentLineLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction that a part of a payment pays, or uses up: an invoice, a credit memo, …"""

    payment_id: Annotated[str, column("Payment the line is on", source="^Id")]
    payment_line_index: Annotated[int, column("Position of the line, from 0", source="#^")]


class BillPayment(Transaction, kw_only=True):
    """A payment to a vendor; what it pays is in bill_payment_line_linked_txn."""

    doc_number: Annotated[Text, column("Number on the document", source="DocNumber")] = None
    department_id: Annotated[Text, column("Department or location", source="DepartmentRef.value")] = None
    vendor_id: Annotated[Text, column("Vendor who is paid", source="VendorRef.value")] = None
    vendor_name: Annotated[Text, column("That vendor's name when sent", source="VendorRef.name")] = None
    total_amount: Annotated[Number, column("Paid", source="TotalAmt", unit=CURRENCY)] = None
    payable_account_id: Annotated[Text, column("Payables account", source="APAccountRef.value")] = None
    payable_account_name: Annotated[Text, column("Name of that account when sent", source="APAccountRef.name")] = None
    pay_type: Annotated[Text, column("Check or CreditCard", source="PayType")] = None
    check_bank_account_id: Annotated[
        Text, column("Bank account, if paid by check", source="CheckPayment.BankAccountRef.value")
    ] = None
    check_print_status: Annotated[Text, column("Whether it is printed", source="CheckPayment.PrintStatus")] = None
    credit_card_account_id: Annotated[
        Text, column("Card account, if paid by card", source="CreditCardPayment.CCAccountRef.value")
    ] = None
    process_bill_payment: Annotated[Flag, column("Whether QuickBooks pays it", source="ProcessBillPayment")] = None
    is_voided: Annotated[Flag, VOIDED] = None


class BillPaymentLine(PaidLine, kw_only=True):
    """A part of a payment to a vendor."""

    bill_payment_id: Annotated[str, column("Payment the line is on", source="^Id")]


class BillPaymentLineLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction that a part of a payment pays, or uses up: a bill, a vendor credit, …"""

    bill_payment_id: Annotated[str, column("Payment the line is on", source="^Id")]
    bill_payment_line_index: Annotated[int, column("Position of the line, from 0", source="#^")]


class Deposit(Transaction, kw_only=True):
    """Money put into a bank account."""

    doc_number: Annotated[Text, column("Number on the document", source="DocNumber")] = None
    department_id: Annotated[Text, column("Department or location", source="DepartmentRef.value")] = None
    account_id: Annotated[Text, column("Account that it goes to", source="DepositToAccountRef.value")] = None
    account_name: Annotated[Text, column("Name of that account when sent", source="DepositToAccountRef.name")] = None
    total_amount: Annotated[Number, column("Put in", source="TotalAmt", unit=CURRENCY)] = None
    home_total_amount: Annotated[Number, column("Put in, converted", source="HomeTotalAmt", unit=HOME)] = None
    cash_back_account_id: Annotated[
        Text, column("Account of what was taken out in cash", source="CashBack.AccountRef.value")
    ] = None
    cash_back_amount: Annotated[Number, column("Taken out in cash", source="CashBack.Amount", unit=CURRENCY)] = None
    cash_back_memo: Annotated[Text, column("What that was for", source="CashBack.Memo")] = None
    global_tax_calculation: Annotated[
        Text, column("TaxExcluded, TaxInclusive or NotApplicable", source="GlobalTaxCalculation")
    ] = None
    transaction_source: Annotated[Text, column("What made it, if not a person", source="TxnSource")] = None
    transaction_status: Annotated[Text, column("Status, where it has one", source="TxnStatus")] = None


_DEPOSITED = "DepositLineDetail"


class DepositLine(Line, kw_only=True):
    """A part of a deposit: a payment that is in deposit_line_linked_txn, or money from an account."""

    deposit_id: Annotated[str, column("Deposit the line is on", source="^Id")]
    deposit_account_id: Annotated[Text, column("Account it is from", source=f"{_DEPOSITED}.AccountRef.value")] = None
    deposit_entity_id: Annotated[Text, column("Whom it is from", source=f"{_DEPOSITED}.Entity.value")] = None
    deposit_entity_type: Annotated[
        Text, column("CUSTOMER, VENDOR or EMPLOYEE, in this or another case", source=f"{_DEPOSITED}.Entity.type")
    ] = None
    deposit_class_id: Annotated[Text, column("Class it is counted to", source=f"{_DEPOSITED}.ClassRef.value")] = None
    deposit_payment_method_id: Annotated[
        Text, column("Method of payment", source=f"{_DEPOSITED}.PaymentMethodRef.value")
    ] = None
    deposit_payment_method_name: Annotated[
        Text, column("Name of that method when sent", source=f"{_DEPOSITED}.PaymentMethodRef.name")
    ] = None
    deposit_check_number: Annotated[Text, column("Number of the check", source=f"{_DEPOSITED}.CheckNum")] = None
    deposit_transaction_type: Annotated[Text, column("Kind of transaction", source=f"{_DEPOSITED}.TxnType")] = None
    deposit_tax_code_id: Annotated[Text, column("Tax code", source=f"{_DEPOSITED}.TaxCodeRef.value")] = None
    deposit_tax_applicable_on: Annotated[Text, column("Sales or Purchase", source=f"{_DEPOSITED}.TaxApplicableOn")] = (
        None
    )


class DepositLineLinkedTxn(LinkedTxn, kw_only=True):
    """A transaction whose money is in a part of a deposit."""

    deposit_id: Annotated[str, column("Deposit the line is on", source="^Id")]
    deposit_line_index: Annotated[int, column("Position of the line, from 0", source="#^")]


class Transfer(Transaction, kw_only=True):
    """Money moved from one account to another."""

    amount: Annotated[Number, column("Moved", source="Amount", unit=CURRENCY)] = None
    from_account_id: Annotated[Text, column("Account it was taken from", source="FromAccountRef.value")] = None
    to_account_id: Annotated[Text, column("Account it went to", source="ToAccountRef.value")] = None


class JournalEntry(Transaction, kw_only=True):
    """An entry made straight in the ledger; its lines balance."""

    doc_number: Annotated[Text, column("Number on the document", source="DocNumber")] = None
    adjustment: Annotated[Flag, column("True for an adjustment, as at the end of a year", source="Adjustment")] = None
    total_amount: Annotated[Number, column("Sum of the debits", source="TotalAmt", unit=CURRENCY)] = None
    home_total_amount: Annotated[Number, column("The same, converted", source="HomeTotalAmt", unit=HOME)] = None
    total_tax: Annotated[Number, column("Tax in it", source="TxnTaxDetail.TotalTax", unit=CURRENCY)] = None
    tax_code_id: Annotated[Text, column("Tax code of the whole", source="TxnTaxDetail.TxnTaxCodeRef.value")] = None


_POSTED = "JournalEntryLineDetail"


class JournalEntryLine(Line, kw_only=True):
    """A debit or credit of a journal entry."""

    journal_entry_id: Annotated[str, column("Journal entry the line is on", source="^Id")]
    posting_type: Annotated[Text, column("Debit or Credit", source=f"{_POSTED}.PostingType")] = None
    account_id: Annotated[Text, column("Account", source=f"{_POSTED}.AccountRef.value")] = None
    class_id: Annotated[Text, column("Class it is counted to", source=f"{_POSTED}.ClassRef.value")] = None
    department_id: Annotated[Text, column("Department or location", source=f"{_POSTED}.DepartmentRef.value")] = None
    entity_type: Annotated[Text, column("Customer, Vendor or Employee", source=f"{_POSTED}.Entity.Type")] = None
    entity_id: Annotated[Text, column("Whom it concerns", source=f"{_POSTED}.Entity.EntityRef.value")] = None
    billable_status: Annotated[
        Text, column("Billable, NotBillable or HasBeenBilled", source=f"{_POSTED}.BillableStatus")
    ] = None
    tax_code_id: Annotated[Text, column("Tax code", source=f"{_POSTED}.TaxCodeRef.value")] = None
    tax_applicable_on: Annotated[Text, column("Sales or Purchase", source=f"{_POSTED}.TaxApplicableOn")] = None
    tax_amount: Annotated[Number, column("Tax of the line", source=f"{_POSTED}.TaxAmount", unit=OF_PARENT)] = None
    description_service_date: Annotated[
        Day, column("Day of the service, on a text line", source="DescriptionLineDetail.ServiceDate")
    ] = None
    description_tax_code_id: Annotated[
        Text, column("Tax code of a text line", source="DescriptionLineDetail.TaxCodeRef.value")
    ] = None


class JournalEntryTaxLine(TaxLine, kw_only=True):
    """Tax of one rate on a journal entry."""

    journal_entry_id: Annotated[str, column("Journal entry that is taxed", source="^Id")]


class TimeActivity(Transaction, kw_only=True):
    """Time that somebody worked."""

    name_of: Annotated[Text, column("Employee or Vendor", source="NameOf")] = None
    employee_id: Annotated[Text, column("Employee who worked", source="EmployeeRef.value")] = None
    vendor_id: Annotated[Text, column("Vendor who worked", source="VendorRef.value")] = None
    customer_id: Annotated[Text, column("Customer it was for", source="CustomerRef.value")] = None
    item_id: Annotated[Text, column("Service done", source="ItemRef.value")] = None
    item_name: Annotated[Text, column("Name of that item when sent", source="ItemRef.name")] = None
    payroll_item_id: Annotated[Text, column("Kind of pay", source="PayrollItemRef.value")] = None
    class_id: Annotated[Text, column("Class it is counted to", source="ClassRef.value")] = None
    department_id: Annotated[Text, column("Department or location", source="DepartmentRef.value")] = None
    billable_status: Annotated[Text, column("Billable, NotBillable or HasBeenBilled", source="BillableStatus")] = None
    taxable: Annotated[Flag, column("Whether it is taxed when billed", source="Taxable")] = None
    hourly_rate: Annotated[Number, column("Price of an hour", source="HourlyRate", unit=HOME)] = None
    cost_rate: Annotated[Number, column("Cost of an hour", source="CostRate", unit=HOME)] = None
    hours: Annotated[Number, column("Time worked, whole hours", source="Hours", unit="hours")] = None
    minutes: Annotated[Number, column("Time worked beyond those", source="Minutes", unit="minutes")] = None
    break_hours: Annotated[Number, column("Breaks, whole hours", source="BreakHours", unit="hours")] = None
    break_minutes: Annotated[Number, column("Breaks beyond those", source="BreakMinutes", unit="minutes")] = None
    start_time: Annotated[Instant, column("When work began", source="StartTime")] = None
    end_time: Annotated[Instant, column("When work ended", source="EndTime")] = None
    description: Annotated[Text, column("What was done", source="Description")] = None
