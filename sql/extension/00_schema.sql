-- Whatever is in the schema that the functions go to must not be taken for what Postgres itself brings.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The extension's own objects. Users read some of them and write none but the regions.
CREATE SCHEMA iasql;
COMMENT ON SCHEMA iasql IS 'The extension iasql: its types, its regions and its own records.';
GRANT USAGE ON SCHEMA iasql TO PUBLIC;

CREATE TABLE iasql.region (
    region text CONSTRAINT region_pkey PRIMARY KEY,
    is_default boolean NOT NULL DEFAULT false,
    is_enabled boolean NOT NULL DEFAULT true,
    CONSTRAINT region_default_enabled CHECK (is_enabled OR NOT is_default)
);
CREATE UNIQUE INDEX region_default_key ON iasql.region (is_default) WHERE is_default;
COMMENT ON TABLE iasql.region IS 'The AWS regions: which are in use, and which is the default. A disabled region costs nothing; its rows are left as they are.';
COMMENT ON COLUMN iasql.region.region IS 'The name, as us-east-2.';
COMMENT ON COLUMN iasql.region.is_default IS 'Rows without a region go here. One region at most.';
COMMENT ON COLUMN iasql.region.is_enabled IS 'Whether the region is read and its rows are applied.';
COMMENT ON CONSTRAINT region_default_enabled ON iasql.region IS 'The default region is in use.';
COMMENT ON INDEX iasql.region_default_key IS 'One default region at most.';
GRANT SELECT, REFERENCES ON iasql.region TO PUBLIC;

CREATE FUNCTION iasql.default_region() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT region FROM iasql.region WHERE is_default;
END;
COMMENT ON FUNCTION iasql.default_region() IS 'The region of rows that name none.';

CREATE TABLE iasql.binding (
    is_bound boolean CONSTRAINT binding_pkey PRIMARY KEY DEFAULT true CHECK (is_bound),
    account_id text NOT NULL,
    partition text NOT NULL,
    endpoint_url text,
    system_identifier text NOT NULL,
    database_oid oid NOT NULL
);
COMMENT ON TABLE iasql.binding IS 'The AWS account that the tables belong to, and the database that may apply them. One row, written at the first install.';
COMMENT ON COLUMN iasql.binding.is_bound IS 'Always true: there is one row.';
COMMENT ON COLUMN iasql.binding.account_id IS 'The twelve digits of the account.';
COMMENT ON COLUMN iasql.binding.partition IS 'The partition of the account, as aws.';
COMMENT ON COLUMN iasql.binding.endpoint_url IS 'The endpoint of an emulator; NULL for AWS itself.';
COMMENT ON COLUMN iasql.binding.system_identifier IS 'The database cluster that applies.';
COMMENT ON COLUMN iasql.binding.database_oid IS 'The database that applies.';

CREATE TABLE iasql.installed_table (
    table_name text CONSTRAINT installed_table_pkey PRIMARY KEY,
    module_name text NOT NULL,
    module_version text NOT NULL,
    relation regclass NOT NULL
);
COMMENT ON TABLE iasql.installed_table IS 'The module tables that are installed.';
COMMENT ON COLUMN iasql.installed_table.table_name IS 'The name that the module gives the table.';
COMMENT ON COLUMN iasql.installed_table.module_name IS 'The module.';
COMMENT ON COLUMN iasql.installed_table.module_version IS 'The version of the module.';
COMMENT ON COLUMN iasql.installed_table.relation IS 'The table itself, wherever it is.';

CREATE TABLE iasql.known (
    table_name text NOT NULL,
    row_id bigint NOT NULL,
    region text NOT NULL,
    cloud_id text NOT NULL,
    state jsonb NOT NULL,
    owned text[] NOT NULL,
    made boolean NOT NULL,
    protected boolean NOT NULL DEFAULT false,
    account_owned boolean NOT NULL DEFAULT false,
    run uuid,
    step int,
    CONSTRAINT known_pkey PRIMARY KEY (table_name, row_id)
);
COMMENT ON TABLE iasql.known IS 'What each row and its object last agreed on. A row here says that the work it records is committed.';
COMMENT ON COLUMN iasql.known.table_name IS 'The table of the row.';
COMMENT ON COLUMN iasql.known.row_id IS 'The id (or row_id) of the row.';
COMMENT ON COLUMN iasql.known.region IS 'Where the object is; empty for global ones.';
COMMENT ON COLUMN iasql.known.cloud_id IS 'The object.';
COMMENT ON COLUMN iasql.known.state IS 'The agreed values, a field per column. References are cloud ids.';
COMMENT ON COLUMN iasql.known.owned IS 'The columns that apply has set, and puts back when somebody else changes them.';
COMMENT ON COLUMN iasql.known.made IS 'Whether apply made the object, or found it.';
COMMENT ON COLUMN iasql.known.protected IS 'Whether the object must not be deleted or replaced.';
COMMENT ON COLUMN iasql.known.account_owned IS 'Whether the object belongs to the account itself, and is never deleted.';
COMMENT ON COLUMN iasql.known.run IS 'The run that wrote the row; NULL for what sync and install read.';
COMMENT ON COLUMN iasql.known.step IS 'The step of that run.';

CREATE TABLE iasql.apply_lock (runs bigint NOT NULL);
INSERT INTO iasql.apply_lock VALUES (0);
COMMENT ON TABLE iasql.apply_lock IS 'Locked by the apply, sync or install that is running.';
COMMENT ON COLUMN iasql.apply_lock.runs IS 'Counts the runs, so that a transaction with an older snapshot cannot start one.';

SELECT pg_catalog.pg_extension_config_dump('iasql.region', '');
SELECT pg_catalog.pg_extension_config_dump('iasql.binding', '');
SELECT pg_catalog.pg_extension_config_dump('iasql.installed_table', '');
SELECT pg_catalog.pg_extension_config_dump('iasql.known', '');
