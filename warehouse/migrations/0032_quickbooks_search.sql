-- QuickBooks: what can be searched, and the function for analysts.

CREATE SCHEMA IF NOT EXISTS quickbooks;

-- Companies name their custom fields themselves, so the customer's order number is what is called P.O., PO Number,
-- Purchase Order, Order No. or the like.
WITH custom (order_number) AS (VALUES (
    'custom_fields$[*] ? (@.Name like_regex "(^|[^a-z])(p\\.? ?o\\.? ?(number|num|no|nr)?|orders?|purchase)([^a-z]|$)" flag "i").StringValue'
))
INSERT INTO ops.search_index (
    table_schema, index_name, table_name, type, fields, field_first, name_field, kind_field, active_field, updated_field, shown
)
SELECT 'quickbooks', declared.*
FROM custom, LATERAL (VALUES
    ('client_names', 'customer', 'customer', '{display_name,company_name,email}'::text[], false,
        'display_name', NULL, 'active', 'updated_at',
        '{"company_name": "company_name", "email": "email", "phone": "phone_number", "balance": "balance", "currency": "currency_id"}'::jsonb),
    ('vendor_names', 'vendor', 'vendor', '{display_name,company_name,email}', false,
        'display_name', NULL, 'active', 'updated_at',
        '{"company_name": "company_name", "email": "email", "phone": "primary_phone", "balance": "balance", "currency": "currency_id"}'),
    ('product_names', 'item', 'item', '{name,stock_keeping_unit}', false, 'name', 'type', 'active', 'updated_at',
        '{"sku": "stock_keeping_unit", "unit_price": "unit_price"}'),
    ('part_names', 'item', 'item', '{name,stock_keeping_unit}', false, 'name', 'type', 'active', 'updated_at',
        '{"sku": "stock_keeping_unit", "unit_price": "unit_price"}'),
    ('part_numbers', 'item', 'item', '{stock_keeping_unit,name}', true, 'name', 'type', 'active', 'updated_at',
        '{"sku": "stock_keeping_unit", "unit_price": "unit_price"}'),
    ('product_descriptions', 'item', 'item', '{description,purchase_description,name}', false,
        'name', 'type', 'active', 'updated_at',
        '{"sku": "stock_keeping_unit", "unit_price": "unit_price", "description": "description"}'),
    ('client_pos', 'invoice', 'invoice', ARRAY[order_number], false, 'doc_number', NULL, NULL, 'updated_at',
        jsonb_build_object('customer_po', order_number, 'customer', 'customer_name', 'date', 'transaction_date',
            'amount', 'total_amount', 'balance', 'balance', 'currency', 'currency_id')),
    ('client_pos', 'estimate', 'estimate', ARRAY[order_number], false, 'doc_number', 'transaction_status', NULL, 'updated_at',
        jsonb_build_object('customer_po', order_number, 'customer', 'customer_name', 'date', 'transaction_date',
            'amount', 'total_amount', 'currency', 'currency_id')),
    ('purchase_orders', 'purchase_order', 'purchase_order', '{doc_number,vendor_name,memo,private_note}', false,
        'doc_number', 'status', NULL, 'updated_at',
        '{"vendor": "vendor_name", "date": "transaction_date", "amount": "total_amount", "currency": "currency_id"}'),
    ('invoices', 'invoice', 'invoice', '{doc_number,customer_name}', false,
        'doc_number', NULL, NULL, 'updated_at',
        jsonb_build_object('customer_po', order_number, 'customer', 'customer_name', 'date', 'transaction_date',
            'amount', 'total_amount', 'balance', 'balance', 'currency', 'currency_id'))
) AS declared;

CREATE TYPE quickbooks.search_hit AS (
    id text, name text, type text, active boolean, sku text, unit_price numeric, description text, company_name text,
    email text, phone text, customer text, vendor text, customer_po text, date date, amount numeric, balance numeric,
    currency text, kind text, connection text, updated_at timestamptz, matched text
);
COMMENT ON TYPE quickbooks.search_hit IS 'What quickbooks.search finds; columns that a kind of record does not have are null';

CREATE FUNCTION quickbooks.search(
    index text, query text, "limit" integer DEFAULT 15, connection text DEFAULT NULL, active boolean DEFAULT true,
    type text DEFAULT NULL, updated_since timestamptz DEFAULT NULL, sort text DEFAULT 'relevance'
) RETURNS SETOF quickbooks.search_hit LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.id, h.name, h.type, h.active, f.sku, f.unit_price, f.description, f.company_name, f.email, f.phone,
        f.customer, f.vendor, f.customer_po, f.date, f.amount, f.balance, f.currency, h.kind, h.connection, h.updated_at,
        h.matched
    FROM ops.search('quickbooks', index, query, "limit", connection, active, type, updated_since, sort) AS h,
        jsonb_populate_record(NULL::quickbooks.search_hit, h.shown) AS f;
END;
COMMENT ON FUNCTION quickbooks.search IS
    'Searches an index (client_names, vendor_names, product_names, product_descriptions, part_names, part_numbers, '
    'client_pos, purchase_orders, invoices) and gives the best hits first: at most "limit" (15, up to 100). active: true '
    'for active records, false for inactive ones, null for both. type: that of the record, or the item''s own kind. sort: '
    'relevance, or a column, with - before it the other way round. See docs/search.md';

GRANT USAGE ON SCHEMA quickbooks TO landfall_analyst;
GRANT EXECUTE ON FUNCTION quickbooks.search TO landfall_analyst;
