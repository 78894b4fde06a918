-- Module aws_cloudwatch: log groups.

CREATE TABLE @schema@.log_group (
    log_group_name    text        NOT NULL,
    log_group_arn     text,
    creation_time     timestamptz,
    retention_in_days integer,
    tags              jsonb       NOT NULL DEFAULT '{}',
    protected         boolean     NOT NULL DEFAULT false,
    region            text        NOT NULL DEFAULT iasql.default_region(),
    row_id            serial,

    CONSTRAINT log_group_pkey PRIMARY KEY (row_id),
    CONSTRAINT log_group_name_key UNIQUE (log_group_name, region),
    CONSTRAINT log_group_name_length CHECK (length(log_group_name) <= 512),
    CONSTRAINT log_group_name_characters CHECK (log_group_name ~ '^[A-Za-z0-9_/.#-]+$'),
    CONSTRAINT log_group_retention_in_days_positive CHECK (retention_in_days > 0),
    CONSTRAINT log_group_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.log_group
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.log_group
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.log_group
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.log_group
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.log_group IS 'Log groups of CloudWatch Logs.';
COMMENT ON COLUMN @schema@.log_group.log_group_name IS 'Name, unique in the region. A change replaces the log group.';
COMMENT ON COLUMN @schema@.log_group.log_group_arn IS 'ARN; it ends in :*. Filled by AWS.';
COMMENT ON COLUMN @schema@.log_group.creation_time IS 'When it was made. Filled by AWS: not by the create, but by what reads it next.';
COMMENT ON COLUMN @schema@.log_group.retention_in_days IS 'Days after which events expire; AWS takes certain numbers only: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653. Changed in place. NULL: never.';
COMMENT ON COLUMN @schema@.log_group.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.log_group.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.log_group.region IS 'AWS region. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.log_group.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT log_group_tags_valid ON @schema@.log_group IS 'The limits are those of iasql.valid_tags().';

-- After the import
-- A key is checked at once for all rows, where each row would take a query.

ALTER TABLE @schema@.log_group
    ADD CONSTRAINT log_group_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region);
