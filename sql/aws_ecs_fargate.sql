-- Module aws_ecs_fargate: clusters, task definitions with their containers, and services, on Fargate.

CREATE TABLE @schema@.cluster (
    cluster_name   text    NOT NULL,
    cluster_arn    text,
    cluster_status text,
    tags           jsonb   NOT NULL DEFAULT '{}',
    protected      boolean NOT NULL DEFAULT false,
    region         text    NOT NULL DEFAULT iasql.default_region(),
    row_id         serial,

    CONSTRAINT cluster_pkey PRIMARY KEY (row_id),
    CONSTRAINT cluster_name_key UNIQUE (cluster_name, region),
    CONSTRAINT cluster_name_length CHECK (length(cluster_name) <= 255),
    CONSTRAINT cluster_name_characters CHECK (cluster_name ~ '^[A-Za-z0-9_-]+$'),
    CONSTRAINT cluster_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.cluster
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.cluster
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.cluster
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.cluster
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.cluster IS 'ECS clusters: groups of services.';
COMMENT ON COLUMN @schema@.cluster.cluster_name IS 'Name, unique in the region. A change replaces the cluster.';
COMMENT ON COLUMN @schema@.cluster.cluster_arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.cluster.cluster_status IS 'Status, like ACTIVE. Filled by AWS.';
COMMENT ON COLUMN @schema@.cluster.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.cluster.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.cluster.region IS 'AWS region. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.cluster.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT cluster_tags_valid ON @schema@.cluster IS 'The limits are those of iasql.valid_tags().';

CREATE TABLE @schema@.task_definition (
    id                  serial,
    task_definition_arn text,
    family              text    NOT NULL,
    revision            integer,
    status              iasql.task_definition_status,
    cpu_memory          iasql.cpu_memory,
    task_role_name      text,
    execution_role_name text,
    tags                jsonb   NOT NULL DEFAULT '{}',
    protected           boolean NOT NULL DEFAULT false,
    region              text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT task_definition_pkey PRIMARY KEY (id),
    CONSTRAINT task_definition_id_region_key UNIQUE (id, region),
    CONSTRAINT task_definition_task_definition_arn_key UNIQUE (task_definition_arn),
    CONSTRAINT task_definition_family_length CHECK (length(family) <= 255),
    CONSTRAINT task_definition_family_characters CHECK (family ~ '^[A-Za-z0-9_-]+$'),
    CONSTRAINT task_definition_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE INDEX task_definition_task_role_name_idx ON @schema@.task_definition (task_role_name);
CREATE INDEX task_definition_execution_role_name_idx ON @schema@.task_definition (execution_role_name);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.task_definition
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.task_definition
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.task_definition
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.task_definition
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION iasql.refuse_new_id('id');

COMMENT ON TABLE @schema@.task_definition IS 'Task definitions: what a service runs. A change, of the containers too, registers the next revision for the same row, moves the services to it and deregisters the old one.';
COMMENT ON COLUMN @schema@.task_definition.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.task_definition.task_definition_arn IS 'ARN of the revision. Filled by AWS.';
COMMENT ON COLUMN @schema@.task_definition.family IS 'Name that the revisions share.';
COMMENT ON COLUMN @schema@.task_definition.revision IS 'Number of the revision. Filled by AWS. NULL: not applied yet.';
COMMENT ON COLUMN @schema@.task_definition.status IS 'Status of the revision. Filled by AWS. NULL: not applied yet.';
COMMENT ON COLUMN @schema@.task_definition.cpu_memory IS 'vCPUs and memory of a task; Fargate needs them. NULL: none.';
COMMENT ON COLUMN @schema@.task_definition.task_role_name IS 'Role of the programs in the containers. NULL: none.';
COMMENT ON COLUMN @schema@.task_definition.execution_role_name IS 'Role that pulls the images and writes the logs. NULL: none.';
COMMENT ON COLUMN @schema@.task_definition.tags IS 'Tags of the revision, an object of strings.';
COMMENT ON COLUMN @schema@.task_definition.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.task_definition.region IS 'AWS region. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT task_definition_id_region_key ON @schema@.task_definition IS 'For foreign keys that keep what refers to a task definition in its region.';
COMMENT ON CONSTRAINT task_definition_tags_valid ON @schema@.task_definition IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.task_definition_task_role_name_idx IS 'For the foreign key to role.';
COMMENT ON INDEX @schema@.task_definition_execution_role_name_idx IS 'For the foreign key to role.';

CREATE TABLE @schema@.container_definition (
    id                     serial,
    name                   text    NOT NULL,
    image                  text,
    tag                    text,
    digest                 text,
    essential              boolean NOT NULL DEFAULT false,
    cpu                    integer,
    memory                 integer,
    memory_reservation     integer,
    host_port              integer,
    container_port         integer,
    protocol               iasql.transport_protocol,
    env_variables          jsonb,
    task_definition_id     integer NOT NULL,
    repository_name        text,
    public_repository_name text,
    log_group_name         text,
    region                 text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT container_definition_pkey PRIMARY KEY (id),
    CONSTRAINT container_definition_name_key UNIQUE (task_definition_id, name, region),
    CONSTRAINT container_definition_name_length CHECK (length(name) <= 255),
    CONSTRAINT container_definition_name_characters CHECK (name ~ '^[A-Za-z0-9_-]+$'),
    CONSTRAINT container_definition_image_needed CHECK (num_nonnulls(image, repository_name, public_repository_name) > 0),
    CONSTRAINT container_definition_tag_or_digest CHECK (num_nulls(tag, digest) > 0),
    CONSTRAINT container_definition_cpu_range CHECK (cpu >= 0),
    CONSTRAINT container_definition_memory_range CHECK (memory > 0),
    CONSTRAINT container_definition_memory_reservation_range CHECK (memory_reservation BETWEEN 1 AND coalesce(memory, memory_reservation)),
    CONSTRAINT container_definition_host_port_range CHECK (host_port BETWEEN 0 AND 65535),
    CONSTRAINT container_definition_container_port_range CHECK (container_port BETWEEN 0 AND 65535),
    CONSTRAINT container_definition_container_port_needed CHECK (host_port IS NULL OR container_port IS NOT NULL),
    CONSTRAINT container_definition_env_variables_strings CHECK (iasql.is_string_map(env_variables))
);

CREATE INDEX container_definition_repository_name_idx ON @schema@.container_definition (repository_name);
CREATE INDEX container_definition_public_repository_name_idx ON @schema@.container_definition (public_repository_name);
CREATE INDEX container_definition_log_group_name_idx ON @schema@.container_definition (log_group_name);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.container_definition
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();

COMMENT ON TABLE @schema@.container_definition IS 'Containers of the task definitions. A change registers the next revision of the task definition.';
COMMENT ON COLUMN @schema@.container_definition.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.container_definition.name IS 'Name, unique in the task definition.';
COMMENT ON COLUMN @schema@.container_definition.image IS 'Image, without tag and digest. NULL: that of repository_name or public_repository_name.';
COMMENT ON COLUMN @schema@.container_definition.tag IS 'Tag of the image. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.digest IS 'Digest of the image, like sha256:... NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.essential IS 'Whether the task stops when this container does. A task definition needs one such container.';
COMMENT ON COLUMN @schema@.container_definition.cpu IS 'CPU units kept for the container, 1024 a vCPU. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.memory IS 'Memory in MiB above which the container is stopped. NULL: that of the task.';
COMMENT ON COLUMN @schema@.container_definition.memory_reservation IS 'Memory in MiB kept for the container. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.host_port IS 'Port of the task; on Fargate the same as container_port. NULL: that port.';
COMMENT ON COLUMN @schema@.container_definition.container_port IS 'Port on which the container listens. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.protocol IS 'Protocol of the port. NULL: tcp.';
COMMENT ON COLUMN @schema@.container_definition.env_variables IS 'Environment variables, an object of strings. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.task_definition_id IS 'The task definition: its id in table task_definition.';
COMMENT ON COLUMN @schema@.container_definition.repository_name IS 'Private repository of the image. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.public_repository_name IS 'Public repository of the image. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.log_group_name IS 'Log group for the output, by the driver awslogs. NULL: none.';
COMMENT ON COLUMN @schema@.container_definition.region IS 'AWS region, that of the task definition. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT container_definition_image_needed ON @schema@.container_definition IS 'A container has an image: image, repository_name or public_repository_name.';
COMMENT ON CONSTRAINT container_definition_tag_or_digest ON @schema@.container_definition IS 'An image is named by a tag or by a digest, not by both.';
COMMENT ON CONSTRAINT container_definition_memory_reservation_range ON @schema@.container_definition IS 'Memory is kept for a container up to the amount at which it is stopped.';
COMMENT ON CONSTRAINT container_definition_container_port_needed ON @schema@.container_definition IS 'host_port is the other end of container_port.';
COMMENT ON INDEX @schema@.container_definition_repository_name_idx IS 'For the foreign key to repository.';
COMMENT ON INDEX @schema@.container_definition_public_repository_name_idx IS 'For the foreign key to public_repository.';
COMMENT ON INDEX @schema@.container_definition_log_group_name_idx IS 'For the foreign key to log_group.';

CREATE TABLE @schema@.service (
    name                 text    NOT NULL,
    arn                  text,
    status               text,
    desired_count        integer NOT NULL,
    subnets              text[]  NOT NULL,
    assign_public_ip     iasql.assign_public_ip NOT NULL DEFAULT 'DISABLED',
    force_new_deployment boolean NOT NULL DEFAULT false,
    cluster_name         text    NOT NULL,
    target_group_name    text,
    task_definition_id   integer,
    tags                 jsonb   NOT NULL DEFAULT '{}',
    protected            boolean NOT NULL DEFAULT false,
    region               text    NOT NULL DEFAULT iasql.default_region(),
    row_id               serial,

    CONSTRAINT service_pkey PRIMARY KEY (row_id),
    CONSTRAINT service_name_key UNIQUE (name, cluster_name, region),
    CONSTRAINT service_name_length CHECK (length(name) <= 255),
    CONSTRAINT service_name_characters CHECK (name ~ '^[A-Za-z0-9_-]+$'),
    CONSTRAINT service_desired_count_range CHECK (desired_count >= 0),
    CONSTRAINT service_subnets_no_null CHECK (array_position(subnets, NULL) IS NULL),
    CONSTRAINT service_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE INDEX service_cluster_name_idx ON @schema@.service (cluster_name);
CREATE INDEX service_target_group_name_idx ON @schema@.service (target_group_name);
CREATE INDEX service_task_definition_id_idx ON @schema@.service (task_definition_id);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.service
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.service
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER refuse_subnets_of_other_regions BEFORE INSERT OR UPDATE OF subnets, region ON @schema@.service
    FOR EACH ROW EXECUTE FUNCTION iasql.refuse_subnets_of_other_regions();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.service
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.service
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.service IS 'ECS services: each keeps a number of tasks of a task definition running on Fargate.';
COMMENT ON COLUMN @schema@.service.name IS 'Name, unique in the cluster. A change replaces the service.';
COMMENT ON COLUMN @schema@.service.arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.service.status IS 'Status, like ACTIVE. Filled by AWS.';
COMMENT ON COLUMN @schema@.service.desired_count IS 'Number of tasks to keep running. Changed in place.';
COMMENT ON COLUMN @schema@.service.subnets IS 'Ids in AWS of the subnets of its tasks, in any order. Changed in place.';
COMMENT ON COLUMN @schema@.service.assign_public_ip IS 'Whether its tasks get public addresses. Changed in place.';
COMMENT ON COLUMN @schema@.service.force_new_deployment IS 'A button: true starts its tasks anew at the next apply, which sets it to false again.';
COMMENT ON COLUMN @schema@.service.cluster_name IS 'The cluster. A change replaces the service.';
COMMENT ON COLUMN @schema@.service.target_group_name IS 'Target group with which its tasks are registered. Changed in place. NULL: none.';
COMMENT ON COLUMN @schema@.service.task_definition_id IS 'What its tasks run: an id in table task_definition. Changed in place. NULL: something that has no row.';
COMMENT ON COLUMN @schema@.service.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.service.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.service.region IS 'AWS region, that of the cluster. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.service.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT service_tags_valid ON @schema@.service IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.service_cluster_name_idx IS 'For the foreign key to cluster.';
COMMENT ON INDEX @schema@.service_target_group_name_idx IS 'For the foreign key to target_group.';
COMMENT ON INDEX @schema@.service_task_definition_id_idx IS 'For the foreign key to task_definition.';

CREATE TABLE @schema@.service_security_groups (
    service_name      text    NOT NULL,
    security_group_id integer NOT NULL,
    cluster_name      text    NOT NULL,
    region            text    NOT NULL DEFAULT iasql.default_region(),
    row_id            serial,

    CONSTRAINT service_security_groups_pkey PRIMARY KEY (row_id),
    CONSTRAINT service_security_groups_key UNIQUE (service_name, cluster_name, security_group_id, region)
);

CREATE INDEX service_security_groups_security_group_id_idx ON @schema@.service_security_groups (security_group_id);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.service_security_groups
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER resolve_cluster_name BEFORE INSERT ON @schema@.service_security_groups
    FOR EACH ROW WHEN (NEW.cluster_name IS NULL AND NEW.service_name IS NOT NULL) EXECUTE FUNCTION iasql.resolve_cluster_name();

COMMENT ON TABLE @schema@.service_security_groups IS 'Which security groups the tasks of a service have. A change is a change of the service, in place.';
COMMENT ON COLUMN @schema@.service_security_groups.service_name IS 'The service.';
COMMENT ON COLUMN @schema@.service_security_groups.security_group_id IS 'The security group: its id in table security_group.';
COMMENT ON COLUMN @schema@.service_security_groups.cluster_name IS 'The cluster of the service. NULL: the only cluster with a service of that name, filled in at once.';
COMMENT ON COLUMN @schema@.service_security_groups.region IS 'AWS region of both. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.service_security_groups.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON INDEX @schema@.service_security_groups_security_group_id_idx IS 'For the foreign key to security_group.';

-- After the import
-- A key is checked at once for all rows, where each row would take a query.

ALTER TABLE @schema@.cluster
    ADD CONSTRAINT cluster_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region);

ALTER TABLE @schema@.task_definition
    ADD CONSTRAINT task_definition_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT task_definition_task_role_name_fkey FOREIGN KEY (task_role_name)
        REFERENCES @schema@.role (role_name) ON UPDATE CASCADE,
    ADD CONSTRAINT task_definition_execution_role_name_fkey FOREIGN KEY (execution_role_name)
        REFERENCES @schema@.role (role_name) ON UPDATE CASCADE;

ALTER TABLE @schema@.container_definition
    ADD CONSTRAINT container_definition_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT container_definition_task_definition_id_fkey FOREIGN KEY (task_definition_id, region)
        REFERENCES @schema@.task_definition (id, region) ON UPDATE CASCADE ON DELETE CASCADE,
    ADD CONSTRAINT container_definition_repository_name_fkey FOREIGN KEY (repository_name, region)
        REFERENCES @schema@.repository (repository_name, region) ON UPDATE CASCADE,
    ADD CONSTRAINT container_definition_public_repository_name_fkey FOREIGN KEY (public_repository_name)
        REFERENCES @schema@.public_repository (repository_name) ON UPDATE CASCADE,
    ADD CONSTRAINT container_definition_log_group_name_fkey FOREIGN KEY (log_group_name, region)
        REFERENCES @schema@.log_group (log_group_name, region) ON UPDATE CASCADE;

ALTER TABLE @schema@.service
    ADD CONSTRAINT service_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT service_cluster_name_fkey FOREIGN KEY (cluster_name, region)
        REFERENCES @schema@.cluster (cluster_name, region) ON UPDATE CASCADE DEFERRABLE,
    ADD CONSTRAINT service_target_group_name_fkey FOREIGN KEY (target_group_name, region)
        REFERENCES @schema@.target_group (target_group_name, region) ON UPDATE CASCADE,
    ADD CONSTRAINT service_task_definition_id_fkey FOREIGN KEY (task_definition_id, region)
        REFERENCES @schema@.task_definition (id, region) ON UPDATE CASCADE;

ALTER TABLE @schema@.service_security_groups
    ADD CONSTRAINT service_security_groups_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT service_security_groups_service_name_fkey FOREIGN KEY (service_name, cluster_name, region)
        REFERENCES @schema@.service (name, cluster_name, region) ON UPDATE CASCADE ON DELETE CASCADE,
    ADD CONSTRAINT service_security_groups_security_group_id_fkey FOREIGN KEY (security_group_id, region)
        REFERENCES @schema@.security_group (id, region) ON UPDATE CASCADE ON DELETE CASCADE;
