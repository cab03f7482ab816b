"""Tables and columns that dbt_quickbooks v1.6.3 looks for, as its macros get_*_columns name them."""

COLUMNS: dict[str, set[str]] = {
    name: set(f"_fivetran_synced {columns}".split())
    for name, columns in {
        "account": (
            "_fivetran_deleted account_number account_sub_type account_type active balance "
            "balance_with_sub_accounts classification created_at currency_id description fully_qualified_name id "
            "name parent_account_id sub_account sync_token tax_code_id updated_at"
        ),
        "address": (
            "city country country_sub_division_code id latitude line_1 line_2 line_3 line_4 line_5 longitude "
            "postal_code"
        ),
        "bill": (
            "_fivetran_deleted balance created_at currency_id department_id doc_number due_date exchange_rate "
            "global_tax_calculation home_balance id payable_account_id private_note sales_term_id sync_token "
            "total_amount transaction_date updated_at vendor_id"
        ),
        "bill_line": (
            "account_expense_account_id account_expense_billable_status account_expense_class_id "
            "account_expense_customer_id account_expense_tax_amount account_expense_tax_code_id amount bill_id "
            "description index item_expense_billable_status item_expense_class_id item_expense_customer_id "
            "item_expense_item_id item_expense_quantity item_expense_tax_code_id item_expense_unit_price"
        ),
        "bill_linked_txn": "bill_id bill_payment_id index",
        "bill_payment": (
            "_fivetran_deleted check_bank_account_id check_print_status created_at credit_card_account_id "
            "currency_id department_id doc_number exchange_rate id pay_type payable_account_id private_note "
            "process_bill_payment sync_token total_amount transaction_date updated_at vendor_id"
        ),
        "bill_payment_line": (
            "amount bill_id bill_payment_credit_card_id bill_payment_id check_id credit_card_charge_id "
            "credit_card_credit_id deposit_id expense_id index journal_entry_id linked_bill_payment_id "
            "vendor_credit_id"
        ),
        "bundle": (
            "active created_at description fully_qualified_name id name print_grouped_items purchase_cost "
            "sync_token taxable unit_price updated_at _fivetran_deleted"
        ),
        "bundle_item": "bundle_id item_id item_quantity",
        "credit_memo": (
            "_fivetran_deleted apply_tax_after_discount balance bill_email billing_address_id class_id created_at "
            "currency_id custom_p_o_number customer_id customer_memo department_id doc_number email_status "
            "exchange_rate global_tax_calculation home_balance home_total_amount id payment_method_id "
            "print_status private_note remaining_credit sales_term_id shipping_address_id sync_token total_amount "
            "total_tax transaction_date updated_at"
        ),
        "credit_memo_line": (
            "amount bundle_id bundle_quantity credit_memo_id description description_service_date "
            "description_tax_code_id discount_account_id discount_class_id discount_discount_percent "
            "discount_percent_based discount_tax_code_id index sales_item_account_id sales_item_class_id "
            "sales_item_discount_amount sales_item_discount_rate sales_item_item_id sales_item_quantity "
            "sales_item_service_date sales_item_tax_code_id sales_item_unit_price sub_total_item_id"
        ),
        "customer": (
            "active alternate_phone_number ar_account_id balance balance_with_jobs bill_address_id "
            "bill_with_parent company_name created_at currency_id customer_type_id default_tax_code_id "
            "display_name email family_name fax_number fully_qualified_name given_name id job level middle_name "
            "mobile_number notes open_balance_date parent_customer_id payment_method_id phone_number "
            "preferred_delivery_method print_on_check_name resale_number sales_term_id shipping_address_id suffix "
            "sync_token tax_exemption_reason_id taxable title updated_at website _fivetran_deleted"
        ),
        "customer_type": "active created_at id name updated_at _fivetran_deleted",
        "department": (
            "active created_at fully_qualified_name id name parent_department_id sub_department sync_token "
            "updated_at _fivetran_deleted"
        ),
        "deposit": (
            "_fivetran_deleted account_id cash_back_account_id cash_back_amount cash_back_memo created_at "
            "currency_id department_id exchange_rate global_tax_calculation home_total_amount id private_note "
            "sync_token total_amount transaction_date transaction_source transaction_status updated_at"
        ),
        "deposit_line": (
            "amount bill_id deposit_account_id deposit_check_number deposit_class_id deposit_customer_id "
            "deposit_id deposit_payment_method_id deposit_tax_applicable_on deposit_tax_code_id "
            "deposit_transaction_type description detail_type expense_id index invoice_id journal_entry_id "
            "payment_id purchase_id refund_receipt_id sales_receipt_id transfer_id vendor_credit_id"
        ),
        "estimate": (
            "_fivetran_deleted accepted_by accepted_date apply_tax_after_discount bill_email billing_address_id "
            "class_id created_at currency_id customer_id customer_memo delivery_type department_id doc_number "
            "due_date email_status exchange_rate expiration_date global_tax_calculation home_total_amount id "
            "print_status private_note sales_term_id ship_date shipping_address_id sync_token tax_code_id "
            "total_amount total_tax transaction_date transaction_status updated_at"
        ),
        "estimate_line": (
            "account_id amount bundle_id bundle_quantity description description_service_date "
            "description_tax_code_id discount_account_id discount_class_id discount_discount_percent "
            "discount_percent_based discount_tax_code_id estimate_id index item_id quantity sales_item_account_id "
            "sales_item_class_id sales_item_discount_amount sales_item_discount_rate sales_item_item_id "
            "sales_item_quantity sales_item_service_date sales_item_tax_code_id sales_item_unit_price "
            "sub_total_item_id tax_code_id"
        ),
        "invoice": (
            "_fivetran_deleted allow_ipnpayment allow_online_achpayment allow_online_credit_card_payment "
            "allow_online_payment apply_tax_after_discount balance billing_address_id billing_bcc_email "
            "billing_cc_email billing_email class_id created_at currency_id custom_p_o_number custom_sales_rep "
            "customer_id customer_memo delivery_time delivery_type department_id deposit deposit_to_account_id "
            "doc_number due_date email_status exchange_rate global_tax_calculation home_balance home_total_amount "
            "id print_status private_note sales_term_id ship_date shipping_address_id sync_token tax_code_id "
            "total_amount total_tax tracking_number transaction_date transaction_source updated_at"
        ),
        "invoice_line_bundle": (
            "account_id amount class_id description discount_amount discount_rate index invoice_id "
            "invoice_line_index item_id line_num quantity sales_item_account_id sales_item_item_id "
            "sales_item_quantity sales_item_tax_code_id service_date tax_code_id unit_price"
        ),
        "invoice_line": (
            "account_id amount bundle_id bundle_quantity description description_service_date "
            "description_tax_code_id discount_account_id discount_class_id discount_discount_percent "
            "discount_percent_based discount_tax_code_id detail_type index invoice_id item_id quantity "
            "sales_item_account_id sales_item_class_id sales_item_discount_amount sales_item_discount_rate "
            "sales_item_item_id sales_item_quantity sales_item_service_date sales_item_tax_code_id "
            "sales_item_unit_price sub_total_item_id tax_code_id"
        ),
        "invoice_linked_txn": (
            "charge_credit_id estimate_id index invoice_id payment_id reimburse_charge_id statement_charge_id "
            "time_activity_id"
        ),
        "invoice_tax_line": (
            "_fivetran_deleted amount index invoice_id net_amount_taxable override_delta_amount percent_based "
            "tax_inclusive_amount tax_percent tax_rate_id"
        ),
        "item": (
            "active asset_account_id created_at description expense_account_id fully_qualified_name id "
            "income_account_id inventory_start_date level name parent_item_id purchase_cost purchase_description "
            "purchase_tax_code_id purchase_tax_included quantity_on_hand sales_tax_code_id sales_tax_included "
            "stock_keeping_unit sub_item sync_token taxable track_quantity_on_hand type unit_price updated_at "
            "_fivetran_deleted"
        ),
        "journal_entry": (
            "_fivetran_deleted adjustment created_at currency_id doc_number exchange_rate home_total_amount id "
            "private_note sync_token tax_code_id total_amount total_tax transaction_date updated_at"
        ),
        "journal_entry_line": (
            "account_id amount billable_status class_id customer_id department_id description "
            "description_service_date description_tax_code_id employee_id index journal_entry_id posting_type "
            "tax_amount tax_applicable_on tax_code_id vendor_id"
        ),
        "journal_entry_tax_line": (
            "amount index journal_entry_id net_amount_taxable override_delta_amount percent_based "
            "tax_inclusive_amount tax_percent tax_rate_id"
        ),
        "payment": (
            "_fivetran_deleted created_at credit_card_amount credit_card_auth_code "
            "credit_card_billing_address_street credit_card_cc_expiry_month credit_card_cc_expiry_year "
            "credit_card_cctrans_id credit_card_name_on_account credit_card_postal_code "
            "credit_card_process_payment credit_card_status credit_card_transaction_authorization_time "
            "credit_card_type currency_id customer_id deposit_to_account_id exchange_rate id payment_method_id "
            "private_note process_payment receivable_account_id reference_number sync_token total_amount "
            "transaction_date transaction_source transaction_status unapplied_amount updated_at"
        ),
        "payment_line": (
            "amount check_id credit_card_charge_id credit_card_credit_id credit_memo_id deposit_id expense_id "
            "index invoice_id journal_entry_id payment_id"
        ),
        "purchase": (
            "_fivetran_deleted account_id created_at credit currency_id customer_id department_id doc_number "
            "employee_id exchange_rate global_tax_calculation id payment_method_id payment_type print_status "
            "private_note remit_to_address_id sync_token tax_code_id total_amount total_tax transaction_date "
            "transaction_source updated_at vendor_id"
        ),
        "purchase_line": (
            "account_expense_account_id account_expense_billable_status account_expense_class_id "
            "account_expense_customer_id account_expense_tax_amount account_expense_tax_code_id amount "
            "description index item_expense_billable_status item_expense_class_id item_expense_customer_id "
            "item_expense_item_id item_expense_quantity item_expense_tax_code_id item_expense_unit_price "
            "purchase_id"
        ),
        "purchase_order": (
            "_fivetran_deleted class_id created_at currency_id custom_customer_type custom_po_number doc_number "
            "due_date exchange_rate global_tax_calculation id memo payable_account_id private_note sales_term_id "
            "shipping_address_id status sync_token tax_code_id total_amount total_tax transaction_date updated_at "
            "vendor_address_id vendor_id"
        ),
        "purchase_order_line": (
            "account_expense_account_id account_expense_billable_status account_expense_class_id "
            "account_expense_customer_id account_expense_tax_amount account_expense_tax_code_id amount "
            "description index item_expense_billable_status item_expense_class_id item_expense_customer_id "
            "item_expense_item_id item_expense_quantity item_expense_tax_code_id item_expense_unit_price "
            "purchase_order_id"
        ),
        "purchase_order_linked_txn": "bill_id index purchase_id purchase_order_id vendor_credit_id",
        "purchase_tax_line": (
            "_fivetran_deleted amount index net_amount_taxable override_delta_amount percent_based purchase_id "
            "tax_inclusive_amount tax_percent tax_rate_id"
        ),
        "refund_receipt": (
            "_fivetran_deleted apply_tax_after_discount balance bill_email billing_address_id "
            "check_payment_account_number check_payment_bank_name check_payment_check_number "
            "check_payment_name_on_account check_payment_status class_id created_at credit_card_amount "
            "credit_card_auth_code credit_card_billing_address_street credit_card_cc_expiry_month "
            "credit_card_cc_expiry_year credit_card_cctrans_id credit_card_name_on_account "
            "credit_card_postal_code credit_card_process_payment credit_card_status "
            "credit_card_transaction_authorization_time credit_card_type currency_id customer_id customer_memo "
            "department_id deposit_to_account_id doc_number exchange_rate global_tax_calculation home_balance "
            "home_total_amount id payment_method_id payment_reference_number payment_type print_status "
            "private_note shipping_address_id sync_token tax_code_id total_amount total_tax transaction_date "
            "transaction_source updated_at"
        ),
        "refund_receipt_line": (
            "amount bundle_id bundle_quantity description description_service_date description_tax_code_id "
            "discount_account_id discount_class_id discount_discount_percent discount_percent_based "
            "discount_tax_code_id index refund_id sales_item_account_id sales_item_class_id "
            "sales_item_discount_amount sales_item_discount_rate sales_item_item_id sales_item_quantity "
            "sales_item_service_date sales_item_tax_code_id sales_item_unit_price sub_total_item_id"
        ),
        "refund_receipt_tax_line": (
            "amount index net_amount_taxable override_delta_amount percent_based refund_receipt_id "
            "tax_inclusive_amount tax_percent tax_rate_id"
        ),
        "sales_receipt": (
            "_fivetran_deleted apply_tax_after_discount balance bill_email billing_address_id class_id created_at "
            "credit_card_amount credit_card_auth_code credit_card_billing_address_street "
            "credit_card_cc_expiry_month credit_card_cc_expiry_year credit_card_cctrans_id "
            "credit_card_name_on_account credit_card_postal_code credit_card_process_payment credit_card_status "
            "credit_card_transaction_authorization_time credit_card_type currency_id customer_id customer_memo "
            "delivery_time delivery_type department_id deposit_to_account_id doc_number email_status "
            "exchange_rate global_tax_calculation home_balance home_total_amount id payment_method_id "
            "payment_reference_number print_status private_note ship_date shipping_address_id sync_token "
            "tax_code_id total_amount total_tax tracking_number transaction_date transaction_source updated_at"
        ),
        "sales_receipt_line": (
            "amount bundle_id bundle_quantity description description_service_date description_tax_code_id "
            "discount_account_id discount_class_id discount_discount_percent discount_percent_based "
            "discount_tax_code_id index sales_item_account_id sales_item_class_id sales_item_discount_amount "
            "sales_item_discount_rate sales_item_item_id sales_item_quantity sales_item_service_date "
            "sales_item_tax_code_id sales_item_unit_price sales_receipt_id sub_total_item_id"
        ),
        "sales_receipt_tax_line": (
            "_fivetran_deleted amount index net_amount_taxable override_delta_amount percent_based "
            "sales_receipt_id tax_inclusive_amount tax_percent tax_rate_id"
        ),
        "tax_agency": (
            "created_at display_name id sync_token tax_registration_number tax_tracked_on_purchases "
            "tax_tracked_on_sales updated_at"
        ),
        "tax_rate": (
            "active created_at description display_type effective_tax_rate id name rate_value special_tax_type "
            "sync_token tax_agency_id updated_at"
        ),
        "transfer": (
            "_fivetran_deleted amount created_at currency_id exchange_rate from_account_id id private_note "
            "sync_token to_account_id transaction_date updated_at"
        ),
        "vendor": (
            "account_number active alternate_phone balance billing_address_id company_name created_at currency_id "
            "display_name email family_name fax_number given_name id middle_name mobile_phone other_contacts "
            "primary_phone print_on_check_name suffix sync_token tax_identifier term_id title updated_at "
            "vendor_1099 web_url _fivetran_deleted"
        ),
        "vendor_credit": (
            "_fivetran_deleted balance created_at currency_id department_id doc_number exchange_rate "
            "global_tax_calculation id payable_account_id private_note sync_token total_amount transaction_date "
            "updated_at vendor_id"
        ),
        "vendor_credit_line": (
            "account_expense_account_id account_expense_billable_status account_expense_class_id "
            "account_expense_customer_id account_expense_tax_amount account_expense_tax_code_id amount "
            "description index item_expense_billable_status item_expense_class_id item_expense_customer_id "
            "item_expense_item_id item_expense_quantity item_expense_tax_code_id item_expense_unit_price "
            "private_note vendor_credit_id"
        ),
    }.items()
}
