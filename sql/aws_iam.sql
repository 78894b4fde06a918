-- Module aws_iam: roles. IAM is global: no region.

CREATE TABLE @schema@.role (
    role_name                   text    NOT NULL,
    arn                         text,
    assume_role_policy_document jsonb   NOT NULL,
    description                 text,
    attached_policies_arns      text[],
    path                        text    NOT NULL DEFAULT '/',
    max_session_duration        integer,
    tags                        jsonb   NOT NULL DEFAULT '{}',
    protected                   boolean NOT NULL DEFAULT false,
    row_id                      serial,

    CONSTRAINT role_pkey PRIMARY KEY (row_id),
    CONSTRAINT role_name_key UNIQUE (role_name),
    CONSTRAINT role_name_length CHECK (length(role_name) <= 64),
    CONSTRAINT role_name_characters CHECK (role_name ~ '^[A-Za-z0-9_+=,.@-]+$'),
    CONSTRAINT role_assume_role_policy_document_valid CHECK (iasql.valid_policy(assume_role_policy_document)),
    CONSTRAINT role_description_length CHECK (length(description) <= 1000),
    CONSTRAINT role_description_characters CHECK (description ~ '^[\t\n\r\u0020-\u007E\u00A1-\u00FF]*$'),
    CONSTRAINT role_attached_policies_arns_no_null CHECK (array_position(attached_policies_arns, NULL) IS NULL),
    CONSTRAINT role_path_length CHECK (length(path) <= 512),
    CONSTRAINT role_path_form CHECK (path ~ '^/([\u0021-\u007F]+/)?$'),
    CONSTRAINT role_max_session_duration_range CHECK (max_session_duration BETWEEN 3600 AND 43200),
    CONSTRAINT role_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.role
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.role
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.role
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.role IS 'IAM roles of the account. Roles under /aws-service-role/ belong to AWS and are never deleted.';
COMMENT ON COLUMN @schema@.role.role_name IS 'Name, unique in the account. A change replaces the role.';
COMMENT ON COLUMN @schema@.role.arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.role.assume_role_policy_document IS 'Trust policy: who may assume the role. Compared by meaning. Changed in place.';
COMMENT ON COLUMN @schema@.role.description IS 'Description, at most 1000 characters of Latin-1. Changed in place. NULL: AWS takes the empty text, which is filled in.';
COMMENT ON COLUMN @schema@.role.attached_policies_arns IS 'ARNs of the attached managed policies, in any order. Changed in place. NULL: none.';
COMMENT ON COLUMN @schema@.role.path IS 'Path, which begins and ends with a slash. A change replaces the role.';
COMMENT ON COLUMN @schema@.role.max_session_duration IS 'Longest session in seconds, 3600 to 43200. Changed in place. NULL: AWS takes 3600, which is filled in.';
COMMENT ON COLUMN @schema@.role.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.role.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.role.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT role_assume_role_policy_document_valid ON @schema@.role IS 'A policy is a JSON object with a Statement.';
COMMENT ON CONSTRAINT role_tags_valid ON @schema@.role IS 'The limits are those of iasql.valid_tags().';
