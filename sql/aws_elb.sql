-- Module aws_elb: load balancers, their listeners, and the target groups that they forward to.

CREATE TABLE @schema@.target_group (
    target_group_name             text    NOT NULL,
    target_type                   iasql.target_type NOT NULL,
    target_group_arn              text,
    ip_address_type               iasql.target_ip_address_type,
    protocol                      iasql.elb_protocol,
    health_check_protocol         iasql.elb_protocol,
    port                          integer,
    health_check_port             text,
    health_check_path             text,
    health_check_enabled          boolean,
    health_check_interval_seconds integer,
    health_check_timeout_seconds  integer,
    healthy_threshold_count       integer,
    unhealthy_threshold_count     integer,
    protocol_version              iasql.protocol_version,
    vpc                           integer,
    tags                          jsonb   NOT NULL DEFAULT '{}',
    protected                     boolean NOT NULL DEFAULT false,
    region                        text    NOT NULL DEFAULT iasql.default_region(),
    row_id                        serial,

    CONSTRAINT target_group_pkey PRIMARY KEY (row_id),
    CONSTRAINT target_group_name_key UNIQUE (target_group_name, region),
    CONSTRAINT target_group_name_length CHECK (length(target_group_name) <= 32),
    CONSTRAINT target_group_name_form CHECK (target_group_name ~ '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$'),
    CONSTRAINT target_group_protocol_and_port_needed CHECK (target_type = 'lambda' OR num_nulls(protocol, port) = 0),
    CONSTRAINT target_group_port_range CHECK (port BETWEEN 1 AND 65535),
    CONSTRAINT target_group_health_check_port_range CHECK (
        CASE
            WHEN health_check_port ~ '^[0-9]{1,5}$' THEN health_check_port::integer BETWEEN 1 AND 65535
            ELSE health_check_port = 'traffic-port'
        END
    ),
    CONSTRAINT target_group_health_check_path_length CHECK (length(health_check_path) <= 1024),
    CONSTRAINT target_group_health_check_path_form CHECK (health_check_path LIKE '/%'),
    CONSTRAINT target_group_health_check_interval_range CHECK (health_check_interval_seconds BETWEEN 5 AND 300),
    CONSTRAINT target_group_health_check_timeout_range CHECK (health_check_timeout_seconds BETWEEN 2 AND 120),
    CONSTRAINT target_group_healthy_threshold_range CHECK (healthy_threshold_count BETWEEN 2 AND 10),
    CONSTRAINT target_group_unhealthy_threshold_range CHECK (unhealthy_threshold_count BETWEEN 2 AND 10),
    CONSTRAINT target_group_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE INDEX target_group_vpc_idx ON @schema@.target_group (vpc);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.target_group
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.target_group
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.target_group
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.target_group
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.target_group IS 'Target groups: where load balancers send requests, and how they see that targets are healthy.';
COMMENT ON COLUMN @schema@.target_group.target_group_name IS 'Name, unique in the region. A change replaces the group.';
COMMENT ON COLUMN @schema@.target_group.target_type IS 'What the targets are. A change replaces the group.';
COMMENT ON COLUMN @schema@.target_group.target_group_arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.target_group.ip_address_type IS 'IP version of the targets. A change replaces the group. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.protocol IS 'Protocol spoken to the targets. A change replaces the group. NULL: none, for lambda only.';
COMMENT ON COLUMN @schema@.target_group.health_check_protocol IS 'Protocol of health checks. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.port IS 'Port of the targets. A change replaces the group. NULL: none, for lambda only.';
COMMENT ON COLUMN @schema@.target_group.health_check_port IS 'Port of health checks: a number, or traffic-port for that of the target. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.health_check_path IS 'Path that HTTP health checks ask for, at most 1024 characters. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.health_check_enabled IS 'Whether targets are checked. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.health_check_interval_seconds IS 'Seconds between two checks of a target, 5 to 300. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.health_check_timeout_seconds IS 'Seconds after which a check without an answer has failed, 2 to 120. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.healthy_threshold_count IS 'Number of good checks in a row that make a target healthy, 2 to 10. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.unhealthy_threshold_count IS 'Number of failed checks in a row that make a target unhealthy, 2 to 10. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.protocol_version IS 'Version of HTTP spoken to the targets. A change replaces the group. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.target_group.vpc IS 'VPC of the targets: its id in table vpc. A change replaces the group. NULL: the default VPC of the region.';
COMMENT ON COLUMN @schema@.target_group.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.target_group.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.target_group.region IS 'AWS region, that of the VPC. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.target_group.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT target_group_name_form ON @schema@.target_group IS 'Letters, digits and hyphens; no hyphen at either end.';
COMMENT ON CONSTRAINT target_group_protocol_and_port_needed ON @schema@.target_group IS 'Every target but a lambda is reached by a protocol and a port.';
COMMENT ON CONSTRAINT target_group_tags_valid ON @schema@.target_group IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.target_group_vpc_idx IS 'For the foreign key to vpc.';

CREATE TABLE @schema@.load_balancer (
    load_balancer_name       text        NOT NULL,
    load_balancer_arn        text,
    dns_name                 text,
    canonical_hosted_zone_id text,
    created_time             timestamptz,
    scheme                   iasql.load_balancer_scheme NOT NULL,
    state                    iasql.load_balancer_state,
    load_balancer_type       iasql.load_balancer_type NOT NULL,
    subnets                  text[],
    availability_zones       text[],
    ip_address_type          iasql.load_balancer_ip_address_type NOT NULL,
    customer_owned_ipv4_pool text,
    vpc                      integer,
    tags                     jsonb       NOT NULL DEFAULT '{}',
    protected                boolean     NOT NULL DEFAULT false,
    region                   text        NOT NULL DEFAULT iasql.default_region(),
    row_id                   serial,

    CONSTRAINT load_balancer_pkey PRIMARY KEY (row_id),
    CONSTRAINT load_balancer_name_key UNIQUE (load_balancer_name, region),
    CONSTRAINT load_balancer_name_length CHECK (length(load_balancer_name) <= 32),
    CONSTRAINT load_balancer_name_form CHECK (load_balancer_name ~ '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$'),
    CONSTRAINT load_balancer_name_prefix CHECK (load_balancer_name NOT LIKE 'internal-%'),
    CONSTRAINT load_balancer_subnets_no_null CHECK (array_position(subnets, NULL) IS NULL),
    CONSTRAINT load_balancer_availability_zones_no_null CHECK (array_position(availability_zones, NULL) IS NULL),
    CONSTRAINT load_balancer_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE INDEX load_balancer_vpc_idx ON @schema@.load_balancer (vpc);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.load_balancer
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.load_balancer
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER refuse_subnets_of_other_regions BEFORE INSERT OR UPDATE OF subnets, region ON @schema@.load_balancer
    FOR EACH ROW WHEN (NEW.subnets IS NOT NULL) EXECUTE FUNCTION iasql.refuse_subnets_of_other_regions();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.load_balancer
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.load_balancer
    FOR EACH ROW WHEN (OLD.row_id <> NEW.row_id) EXECUTE FUNCTION iasql.refuse_new_id('row_id');

COMMENT ON TABLE @schema@.load_balancer IS 'Load balancers: application, network and gateway.';
COMMENT ON COLUMN @schema@.load_balancer.load_balancer_name IS 'Name, unique in the region. A change replaces the load balancer.';
COMMENT ON COLUMN @schema@.load_balancer.load_balancer_arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.load_balancer.dns_name IS 'DNS name for clients. Filled by AWS.';
COMMENT ON COLUMN @schema@.load_balancer.canonical_hosted_zone_id IS 'Id of the Route 53 zone of the DNS name. Filled by AWS.';
COMMENT ON COLUMN @schema@.load_balancer.created_time IS 'When it was made. Filled by AWS.';
COMMENT ON COLUMN @schema@.load_balancer.scheme IS 'Whether its nodes have public addresses. A change replaces the load balancer.';
COMMENT ON COLUMN @schema@.load_balancer.state IS 'State. Filled by AWS.';
COMMENT ON COLUMN @schema@.load_balancer.load_balancer_type IS 'Kind. A change replaces the load balancer.';
COMMENT ON COLUMN @schema@.load_balancer.subnets IS 'Ids in AWS of its subnets, one a zone, in any order. Changed in place. NULL: one subnet of the default VPC in each zone, filled in.';
COMMENT ON COLUMN @schema@.load_balancer.availability_zones IS 'Availability Zones of its subnets, in any order. NULL: filled in.';
COMMENT ON COLUMN @schema@.load_balancer.ip_address_type IS 'IP versions that clients may use. Changed in place.';
COMMENT ON COLUMN @schema@.load_balancer.customer_owned_ipv4_pool IS 'Id of the customer-owned address pool, on Outposts. A change replaces the load balancer. NULL: none.';
COMMENT ON COLUMN @schema@.load_balancer.vpc IS 'Its VPC, that of its subnets: the id in table vpc. A change replaces the load balancer. NULL: filled in.';
COMMENT ON COLUMN @schema@.load_balancer.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.load_balancer.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.load_balancer.region IS 'AWS region, that of the VPC. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.load_balancer.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON CONSTRAINT load_balancer_name_form ON @schema@.load_balancer IS 'Letters, digits and hyphens; no hyphen at either end.';
COMMENT ON CONSTRAINT load_balancer_name_prefix ON @schema@.load_balancer IS 'Names that begin with internal- are kept for DNS names of internal load balancers.';
COMMENT ON CONSTRAINT load_balancer_tags_valid ON @schema@.load_balancer IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.load_balancer_vpc_idx IS 'For the foreign key to vpc.';

CREATE TABLE @schema@.listener (
    id                 serial,
    listener_arn       text,
    port               integer NOT NULL,
    protocol           iasql.elb_protocol NOT NULL,
    action_type        iasql.listener_action_type NOT NULL DEFAULT 'forward',
    load_balancer_name text    NOT NULL,
    target_group_name  text    NOT NULL,
    certificate_arn    text,
    ssl_policy         text,
    tags               jsonb   NOT NULL DEFAULT '{}',
    protected          boolean NOT NULL DEFAULT false,
    region             text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT listener_pkey PRIMARY KEY (id),
    CONSTRAINT listener_port_key UNIQUE (load_balancer_name, port, region),
    CONSTRAINT listener_listener_arn_key UNIQUE (listener_arn),
    CONSTRAINT listener_port_range CHECK (port BETWEEN 1 AND 65535),
    CONSTRAINT listener_certificate_arn_needed CHECK (protocol NOT IN ('HTTPS', 'TLS') OR certificate_arn IS NOT NULL),
    CONSTRAINT listener_certificate_arn_unused CHECK (protocol IN ('HTTPS', 'TLS') OR certificate_arn IS NULL),
    CONSTRAINT listener_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE INDEX listener_target_group_name_idx ON @schema@.listener (target_group_name);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.listener
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.listener
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.listener
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.listener
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION iasql.refuse_new_id('id');

COMMENT ON TABLE @schema@.listener IS 'Listeners: the ports on which load balancers take requests, and the target groups to which they forward them.';
COMMENT ON COLUMN @schema@.listener.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.listener.listener_arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.listener.port IS 'Port, unique on the load balancer. Changed in place.';
COMMENT ON COLUMN @schema@.listener.protocol IS 'Protocol spoken with clients. Changed in place.';
COMMENT ON COLUMN @schema@.listener.action_type IS 'What is done with a request.';
COMMENT ON COLUMN @schema@.listener.load_balancer_name IS 'The load balancer. A change replaces the listener.';
COMMENT ON COLUMN @schema@.listener.target_group_name IS 'Where requests are sent. Changed in place.';
COMMENT ON COLUMN @schema@.listener.certificate_arn IS 'ARN of the default certificate, for HTTPS and TLS. Changed in place. NULL: none, for the other protocols.';
COMMENT ON COLUMN @schema@.listener.ssl_policy IS 'Name of the security policy that says which TLS versions and ciphers are taken. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.listener.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.listener.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.listener.region IS 'AWS region, that of the load balancer. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT listener_certificate_arn_needed ON @schema@.listener IS 'HTTPS and TLS need a certificate.';
COMMENT ON CONSTRAINT listener_certificate_arn_unused ON @schema@.listener IS 'Only HTTPS and TLS take a certificate.';
COMMENT ON CONSTRAINT listener_tags_valid ON @schema@.listener IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.listener_target_group_name_idx IS 'For the foreign key to target_group.';

CREATE TABLE @schema@.load_balancer_security_groups (
    load_balancer_name text    NOT NULL,
    security_group_id  integer NOT NULL,
    region             text    NOT NULL DEFAULT iasql.default_region(),
    row_id             serial,

    CONSTRAINT load_balancer_security_groups_pkey PRIMARY KEY (row_id),
    CONSTRAINT load_balancer_security_groups_key UNIQUE (load_balancer_name, security_group_id, region)
);

CREATE INDEX load_balancer_security_groups_security_group_id_idx ON @schema@.load_balancer_security_groups (security_group_id);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.load_balancer_security_groups
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();

COMMENT ON TABLE @schema@.load_balancer_security_groups IS 'Which security groups a load balancer has. A change is a change of the load balancer, in place.';
COMMENT ON COLUMN @schema@.load_balancer_security_groups.load_balancer_name IS 'The load balancer.';
COMMENT ON COLUMN @schema@.load_balancer_security_groups.security_group_id IS 'The security group: its id in table security_group.';
COMMENT ON COLUMN @schema@.load_balancer_security_groups.region IS 'AWS region of both. NULL or empty text means the default region.';
COMMENT ON COLUMN @schema@.load_balancer_security_groups.row_id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON INDEX @schema@.load_balancer_security_groups_security_group_id_idx IS 'For the foreign key to security_group.';

-- After the import
-- A key is checked at once for all rows, where each row would take a query.

ALTER TABLE @schema@.target_group
    ADD CONSTRAINT target_group_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT target_group_vpc_fkey FOREIGN KEY (vpc, region) REFERENCES @schema@.vpc (id, region) ON UPDATE CASCADE;

ALTER TABLE @schema@.load_balancer
    ADD CONSTRAINT load_balancer_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT load_balancer_vpc_fkey FOREIGN KEY (vpc, region) REFERENCES @schema@.vpc (id, region) ON UPDATE CASCADE;

ALTER TABLE @schema@.listener
    ADD CONSTRAINT listener_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT listener_load_balancer_name_fkey FOREIGN KEY (load_balancer_name, region)
        REFERENCES @schema@.load_balancer (load_balancer_name, region) ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE,
    ADD CONSTRAINT listener_target_group_name_fkey FOREIGN KEY (target_group_name, region)
        REFERENCES @schema@.target_group (target_group_name, region) ON UPDATE CASCADE;

ALTER TABLE @schema@.load_balancer_security_groups
    ADD CONSTRAINT load_balancer_security_groups_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT load_balancer_security_groups_load_balancer_name_fkey FOREIGN KEY (load_balancer_name, region)
        REFERENCES @schema@.load_balancer (load_balancer_name, region) ON UPDATE CASCADE ON DELETE CASCADE,
    ADD CONSTRAINT load_balancer_security_groups_security_group_id_fkey FOREIGN KEY (security_group_id, region)
        REFERENCES @schema@.security_group (id, region) ON UPDATE CASCADE ON DELETE CASCADE;
