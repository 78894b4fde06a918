-- Notes of the rows that were changed, so that a plan with iasql.refresh = off need not read all rows to find them. A
-- note is a suspicion: one too many costs time and nothing else. So whoever changes a row writes the note, with rights of
-- its own; nobody but the extension reads notes or takes them away.

CREATE TABLE iasql.changed_row (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT changed_row_pkey PRIMARY KEY,
    table_name text NOT NULL,
    row_id bigint
);
COMMENT ON TABLE iasql.changed_row IS 'Notes of rows that were inserted, updated or deleted since they were last agreed on. Written by triggers of the module tables.';
COMMENT ON COLUMN iasql.changed_row.id IS 'The note.';
COMMENT ON COLUMN iasql.changed_row.table_name IS 'The table of the row.';
COMMENT ON COLUMN iasql.changed_row.row_id IS 'The id (or row_id) of the row; NULL for any row of the table.';
GRANT INSERT (table_name, row_id) ON iasql.changed_row TO PUBLIC;

CREATE FUNCTION iasql.is_settling() RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'iasql_is_settling_wrapper';
COMMENT ON FUNCTION iasql.is_settling() IS 'Whether the statement that goes on writes what rows and cloud agree on.';

-- The arguments: the table, and the column that identifies its rows; without it, the note is of any row.
CREATE FUNCTION iasql.note_changed_rows() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_NARGS = 1 THEN
        INSERT INTO iasql.changed_row (table_name) VALUES (TG_ARGV[0]);
    ELSE
        EXECUTE format('INSERT INTO iasql.changed_row (table_name, row_id) SELECT %L, %I FROM changed', TG_ARGV[0], TG_ARGV[1]);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION iasql.note_changed_rows() IS 'Trigger: notes which rows a statement has changed.';

SELECT pg_catalog.pg_extension_config_dump('iasql.changed_row', '');
SELECT pg_catalog.pg_extension_config_dump('iasql.changed_row_id_seq', '');
