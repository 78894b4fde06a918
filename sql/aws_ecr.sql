-- Module aws_ecr: image repositories, private and public, and the policies of the private ones.

CREATE TABLE @schema@.repository (
    repository_name      text        NOT NULL,
    repository_arn       text,
    registry_id          text,
    repository_uri       text,
    created_at           timestamptz,
    image_tag_mutability iasql.image_tag_mutability NOT NULL DEFAULT 'MUTABLE',
    scan_on_push         boolean     NOT NULL DEFAULT false,
    tags                 jsonb       NOT NULL DEFAULT '{}',
    protected            boolean     NOT NULL DEFAULT false,
    region               text        NOT NULL DEFAULT iasql.default_region(),
    row_id               serial,

    CONSTRAINT repository_pkey PRIMARY KEY (row_id),
    CONSTRAINT repository_name_key UNIQUE (repository_name, region),
    CONSTRAINT repository_name_length CHECK (length(repository_name) BETWEEN 2 AND 256),
    CONSTRAINT repository_name_form CHECK (
        repository_name ~ '^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$'
    ),
    CONSTRAINT repository_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.repository
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.repository
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.repository
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.repository
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.repository IS 'Private image repositories. One that holds images is not deleted.';
COMMENT ON COLUMN @schema@.repository.repository_name IS 'Name, unique in the region. A change replaces the repository.';
COMMENT ON COLUMN @schema@.repository.repository_arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.repository.registry_id IS 'Account id of the registry. Filled by AWS.';
COMMENT ON COLUMN @schema@.repository.repository_uri IS 'Where to push images to and pull them from. Filled by AWS.';
COMMENT ON COLUMN @schema@.repository.created_at IS 'When it was made. Filled by AWS.';
COMMENT ON COLUMN @schema@.repository.image_tag_mutability IS 'Whether an image tag may be moved to another image. Changed in place.';
COMMENT ON COLUMN @schema@.repository.scan_on_push IS 'Whether an image is scanned when it is pushed. Changed in place.';
COMMENT ON COLUMN @schema@.repository.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.repository.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.repository.region IS 'AWS region. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.repository.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT repository_name_form ON @schema@.repository IS 'Lower-case letters and digits, with single dots, dashes and underscores between them; slashes part namespaces.';
COMMENT ON CONSTRAINT repository_tags_valid ON @schema@.repository IS 'The limits are those of iasql.valid_tags().';

CREATE TABLE @schema@.public_repository (
    repository_name text        NOT NULL,
    repository_arn  text,
    registry_id     text,
    repository_uri  text,
    created_at      timestamptz,
    tags            jsonb       NOT NULL DEFAULT '{}',
    protected       boolean     NOT NULL DEFAULT false,
    row_id          serial,

    CONSTRAINT public_repository_pkey PRIMARY KEY (row_id),
    CONSTRAINT public_repository_name_key UNIQUE (repository_name),
    CONSTRAINT public_repository_name_length CHECK (length(repository_name) BETWEEN 2 AND 205),
    CONSTRAINT public_repository_name_form CHECK (
        repository_name ~ '^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$'
    ),
    CONSTRAINT public_repository_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.public_repository
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.public_repository
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.public_repository
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.public_repository IS 'Public image repositories. They are global: AWS keeps them in us-east-1.';
COMMENT ON COLUMN @schema@.public_repository.repository_name IS 'Name, unique in the account. A change replaces the repository.';
COMMENT ON COLUMN @schema@.public_repository.repository_arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.public_repository.registry_id IS 'Account id of the registry. Filled by AWS.';
COMMENT ON COLUMN @schema@.public_repository.repository_uri IS 'Where to push images to and pull them from. Filled by AWS.';
COMMENT ON COLUMN @schema@.public_repository.created_at IS 'When it was made. Filled by AWS.';
COMMENT ON COLUMN @schema@.public_repository.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.public_repository.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.public_repository.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT public_repository_name_form ON @schema@.public_repository IS 'Lower-case letters and digits, with single dots, dashes and underscores between them; slashes part namespaces.';
COMMENT ON CONSTRAINT public_repository_tags_valid ON @schema@.public_repository IS 'The limits are those of iasql.valid_tags().';

CREATE TABLE @schema@.repository_policy (
    id              serial,
    repository_name text    NOT NULL,
    registry_id     text,
    policy_text     text,
    protected       boolean NOT NULL DEFAULT false,
    region          text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT repository_policy_pkey PRIMARY KEY (id),
    CONSTRAINT repository_policy_repository_name_key UNIQUE (repository_name, region),
    CONSTRAINT repository_policy_text_valid CHECK (iasql.valid_policy(policy_text))
);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.repository_policy
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.repository_policy
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.repository_policy
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION iasql.refuse_new_id('id');

COMMENT ON TABLE @schema@.repository_policy IS 'Policies of private repositories, at most one each.';
COMMENT ON COLUMN @schema@.repository_policy.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.repository_policy.repository_name IS 'The repository.';
COMMENT ON COLUMN @schema@.repository_policy.registry_id IS 'Account id of the registry. Filled by AWS.';
COMMENT ON COLUMN @schema@.repository_policy.policy_text IS 'Policy as JSON text: who may do what with the repository. Compared by meaning. Changed in place.';
COMMENT ON COLUMN @schema@.repository_policy.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.repository_policy.region IS 'AWS region, that of the repository. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT repository_policy_text_valid ON @schema@.repository_policy IS 'A policy is a JSON object with a Statement.';

-- After the import
-- A key is checked at once for all rows, where each row would take a query.

ALTER TABLE @schema@.repository
    ADD CONSTRAINT repository_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region);

ALTER TABLE @schema@.repository_policy
    ADD CONSTRAINT repository_policy_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT repository_policy_repository_name_fkey FOREIGN KEY (repository_name, region)
        REFERENCES @schema@.repository (repository_name, region) ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE;
