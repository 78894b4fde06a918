-- Module aws_security_group: security groups and their rules.

CREATE TABLE @schema@.security_group (
    id          serial,
    description text    NOT NULL,
    group_name  text    NOT NULL,
    owner_id    text,
    group_id    text,
    vpc_id      integer,
    tags        jsonb   NOT NULL DEFAULT '{}',
    protected   boolean NOT NULL DEFAULT false,
    region      text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT security_group_pkey PRIMARY KEY (id),
    CONSTRAINT security_group_id_region_key UNIQUE (id, region),
    CONSTRAINT security_group_name_key UNIQUE (group_name, vpc_id, region),
    CONSTRAINT security_group_group_id_key UNIQUE (group_id),
    CONSTRAINT security_group_name_length CHECK (length(group_name) <= 255),
    CONSTRAINT security_group_name_characters CHECK (group_name ~ '^[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]+$'),
    CONSTRAINT security_group_name_prefix CHECK (group_name NOT LIKE 'sg-%'),
    CONSTRAINT security_group_description_length CHECK (length(description) <= 255),
    CONSTRAINT security_group_description_characters CHECK (description ~ '^[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]*$'),
    CONSTRAINT security_group_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE INDEX security_group_vpc_id_idx ON @schema@.security_group (vpc_id);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.security_group
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.security_group
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
-- Not for a group that AWS has already: it is in some VPC, known here or not.
CREATE TRIGGER resolve_vpc BEFORE INSERT OR UPDATE ON @schema@.security_group
    FOR EACH ROW WHEN (NEW.vpc_id IS NULL AND NEW.group_id IS NULL) EXECUTE FUNCTION iasql.resolve_default_vpc();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.security_group
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.security_group
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION iasql.refuse_new_id('id');

COMMENT ON TABLE @schema@.security_group IS 'Security groups. The group named default of a VPC comes and goes with the VPC.';
COMMENT ON COLUMN @schema@.security_group.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.security_group.description IS 'Description, at most 255 characters. A change replaces the group, which needs a new name as well while the group is in use.';
COMMENT ON COLUMN @schema@.security_group.group_name IS 'Name, unique in the VPC. A change replaces the group.';
COMMENT ON COLUMN @schema@.security_group.owner_id IS 'Account id of the owner. Filled by AWS.';
COMMENT ON COLUMN @schema@.security_group.group_id IS 'Id in AWS, like sg-0a1b2c3d. Filled by AWS.';
COMMENT ON COLUMN @schema@.security_group.vpc_id IS 'The VPC: its id in table vpc. A change replaces the group. NULL: the default VPC of the region, filled in at once.';
COMMENT ON COLUMN @schema@.security_group.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.security_group.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.security_group.region IS 'AWS region, that of the VPC. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT security_group_id_region_key ON @schema@.security_group IS 'For foreign keys that keep what refers to a group in its region.';
COMMENT ON CONSTRAINT security_group_name_prefix ON @schema@.security_group IS 'Names that begin with sg- are kept for ids.';
COMMENT ON CONSTRAINT security_group_tags_valid ON @schema@.security_group IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.security_group_vpc_id_idx IS 'For the foreign key to vpc.';

CREATE TABLE @schema@.security_group_rule (
    id                       serial,
    security_group_rule_id   text,
    is_egress                boolean NOT NULL,
    ip_protocol              text    NOT NULL,
    from_port                integer,
    to_port                  integer,
    cidr_ipv4                cidr,
    cidr_ipv6                cidr,
    prefix_list_id           text,
    description              text,
    security_group_id        integer NOT NULL,
    source_security_group_id integer,
    tags                     jsonb   NOT NULL DEFAULT '{}',
    protected                boolean NOT NULL DEFAULT false,
    region                   text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT security_group_rule_pkey PRIMARY KEY (id),
    CONSTRAINT "UQ_rule" UNIQUE NULLS NOT DISTINCT (
        security_group_id, is_egress, ip_protocol, from_port, to_port,
        cidr_ipv4, cidr_ipv6, prefix_list_id, source_security_group_id, region
    ),
    CONSTRAINT security_group_rule_security_group_rule_id_key UNIQUE (security_group_rule_id),
    CONSTRAINT security_group_rule_ip_protocol_known CHECK (
        ip_protocol ~ '^(tcp|udp|icmp|icmpv6|-1|[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$'
    ),
    CONSTRAINT security_group_rule_port_range CHECK (
        CASE
            WHEN ip_protocol IN ('tcp', 'udp') THEN
                from_port BETWEEN 0 AND 65535 AND to_port BETWEEN from_port AND 65535
            WHEN ip_protocol IN ('icmp', 'icmpv6') THEN
                from_port BETWEEN -1 AND 255 AND to_port BETWEEN -1 AND 255 AND (from_port >= 0 OR to_port = -1)
            ELSE
                from_port = -1 AND to_port = -1
        END IS TRUE
    ),
    CONSTRAINT security_group_rule_one_peer CHECK (
        num_nonnulls(cidr_ipv4, cidr_ipv6, prefix_list_id, source_security_group_id) = 1
    ),
    CONSTRAINT security_group_rule_cidr_ipv4_family CHECK (family(cidr_ipv4) = 4),
    CONSTRAINT security_group_rule_cidr_ipv6_family CHECK (family(cidr_ipv6) = 6),
    CONSTRAINT security_group_rule_description_length CHECK (length(description) <= 255),
    CONSTRAINT security_group_rule_description_characters CHECK (description ~ '^[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]*$'),
    CONSTRAINT security_group_rule_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE INDEX security_group_rule_source_security_group_id_idx ON @schema@.security_group_rule (source_security_group_id);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.security_group_rule
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.security_group_rule
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER normalize_rule BEFORE INSERT OR UPDATE ON @schema@.security_group_rule
    FOR EACH ROW WHEN (
        NEW.ip_protocol NOT IN ('tcp', 'udp', 'icmp', 'icmpv6')
            AND (NEW.ip_protocol, NEW.from_port, NEW.to_port) IS DISTINCT FROM ('-1', -1, -1)
        OR NEW.ip_protocol = 'icmpv6' AND NEW.from_port IS NULL
    ) EXECUTE FUNCTION iasql.normalize_security_group_rule();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.security_group_rule
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.security_group_rule
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION iasql.refuse_new_id('id');

COMMENT ON TABLE @schema@.security_group_rule IS 'Rules of the security groups: each opens a group for one peer. One row is one rule of AWS.';
COMMENT ON COLUMN @schema@.security_group_rule.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.security_group_rule.security_group_rule_id IS 'Id in AWS, like sgr-0a1b2c3d. Filled by AWS.';
COMMENT ON COLUMN @schema@.security_group_rule.is_egress IS 'true: for traffic out of the group; false: into it. A change replaces the rule.';
COMMENT ON COLUMN @schema@.security_group_rule.ip_protocol IS 'tcp, udp, icmp, icmpv6, the number of another protocol, or -1 for all protocols. Changed in place.';
COMMENT ON COLUMN @schema@.security_group_rule.from_port IS 'First port; the type for icmp and icmpv6 (-1: all). Always -1 for other protocols, of which AWS opens all ports. Changed in place.';
COMMENT ON COLUMN @schema@.security_group_rule.to_port IS 'Last port; the code for icmp and icmpv6 (-1: all). Always -1 for other protocols. Changed in place.';
COMMENT ON COLUMN @schema@.security_group_rule.cidr_ipv4 IS 'Peer: a range of IPv4 addresses. Changed in place, but a peer of another kind replaces the rule. NULL: the peer is of another kind.';
COMMENT ON COLUMN @schema@.security_group_rule.cidr_ipv6 IS 'Peer: a range of IPv6 addresses. Changed in place, but a peer of another kind replaces the rule. NULL: the peer is of another kind.';
COMMENT ON COLUMN @schema@.security_group_rule.prefix_list_id IS 'Peer: a prefix list, by its id in AWS. Changed in place, but a peer of another kind replaces the rule. NULL: the peer is of another kind.';
COMMENT ON COLUMN @schema@.security_group_rule.description IS 'Description, at most 255 characters. Changed in place. NULL: none.';
COMMENT ON COLUMN @schema@.security_group_rule.security_group_id IS 'The group that has the rule: its id in table security_group. A change replaces the rule.';
COMMENT ON COLUMN @schema@.security_group_rule.source_security_group_id IS 'Peer: the members of a group, by its id in table security_group. Changed in place, but a peer of another kind replaces the rule. NULL: the peer is of another kind.';
COMMENT ON COLUMN @schema@.security_group_rule.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.security_group_rule.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.security_group_rule.region IS 'AWS region, that of the group. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT "UQ_rule" ON @schema@.security_group_rule IS 'A group has each rule once: same direction, protocol, ports and peer.';
COMMENT ON CONSTRAINT security_group_rule_port_range ON @schema@.security_group_rule IS 'tcp and udp: 0 to 65535, first to last; icmp and icmpv6: a type and a code of 0 to 255, or -1 for all.';
COMMENT ON CONSTRAINT security_group_rule_one_peer ON @schema@.security_group_rule IS 'A rule has exactly one of cidr_ipv4, cidr_ipv6, prefix_list_id, source_security_group_id.';
COMMENT ON CONSTRAINT security_group_rule_tags_valid ON @schema@.security_group_rule IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.security_group_rule_source_security_group_id_idx IS 'For the foreign key to the source group.';

-- After the import
-- A key is checked at once for all rows, where each row would take a query.

ALTER TABLE @schema@.security_group
    ADD CONSTRAINT security_group_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT security_group_vpc_id_fkey FOREIGN KEY (vpc_id, region)
        REFERENCES @schema@.vpc (id, region) ON UPDATE CASCADE DEFERRABLE;

ALTER TABLE @schema@.security_group_rule
    ADD CONSTRAINT security_group_rule_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    -- Before the next key, in this file and by name: actions run in that order, and a group's rules that refer to
    -- the group itself must be gone before that key looks for them.
    ADD CONSTRAINT security_group_rule_security_group_id_fkey FOREIGN KEY (security_group_id, region)
        REFERENCES @schema@.security_group (id, region) ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE,
    ADD CONSTRAINT security_group_rule_source_security_group_id_fkey FOREIGN KEY (source_security_group_id, region)
        REFERENCES @schema@.security_group (id, region) ON UPDATE CASCADE;
