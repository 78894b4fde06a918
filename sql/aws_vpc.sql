-- Module aws_vpc: virtual networks and their subnets.

CREATE TABLE @schema@.vpc (
    id                   serial,
    vpc_id               text,
    cidr_block           text    NOT NULL,
    state                iasql.vpc_state,
    is_default           boolean NOT NULL DEFAULT false,
    enable_dns_support   boolean,
    enable_dns_hostnames boolean,
    tags                 jsonb   NOT NULL DEFAULT '{}',
    protected            boolean NOT NULL DEFAULT false,
    region               text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT vpc_pkey PRIMARY KEY (id),
    CONSTRAINT vpc_id_region_key UNIQUE (id, region),
    CONSTRAINT vpc_vpc_id_key UNIQUE (vpc_id),
    CONSTRAINT vpc_cidr_block_canonical CHECK (cidr_block = cidr_block::cidr::text),
    CONSTRAINT vpc_cidr_block_size CHECK (family(cidr_block::cidr) = 4 AND masklen(cidr_block::cidr) BETWEEN 16 AND 28),
    CONSTRAINT vpc_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE UNIQUE INDEX vpc_default_key ON @schema@.vpc (is_default, region) WHERE is_default;

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.vpc
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.vpc
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.vpc
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.vpc
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION iasql.refuse_new_id('id');

COMMENT ON TABLE @schema@.vpc IS 'Virtual private clouds. The default VPC of a region belongs to the account and is never deleted.';
COMMENT ON COLUMN @schema@.vpc.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.vpc.vpc_id IS 'Id in AWS, like vpc-0a1b2c3d. Filled by AWS.';
COMMENT ON COLUMN @schema@.vpc.cidr_block IS 'IPv4 addresses of the VPC, a /16 to a /28. A change replaces the VPC.';
COMMENT ON COLUMN @schema@.vpc.state IS 'State. Filled by AWS.';
COMMENT ON COLUMN @schema@.vpc.is_default IS 'Whether it is the default VPC of its region. Filled by AWS.';
COMMENT ON COLUMN @schema@.vpc.enable_dns_support IS 'Whether the DNS server of AWS answers in the VPC. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.vpc.enable_dns_hostnames IS 'Whether instances with public addresses get DNS names. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.vpc.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.vpc.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.vpc.region IS 'AWS region. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT vpc_id_region_key ON @schema@.vpc IS 'For foreign keys that keep what refers to a VPC in its region.';
COMMENT ON CONSTRAINT vpc_cidr_block_canonical ON @schema@.vpc IS 'An address range is written out in full, like 10.0.0.0/16.';
COMMENT ON CONSTRAINT vpc_tags_valid ON @schema@.vpc IS 'The limits are those of iasql.valid_tags().';
COMMENT ON INDEX @schema@.vpc_default_key IS 'A region has at most one default VPC.';

CREATE TABLE @schema@.subnet (
    id                         serial,
    availability_zone          text    NOT NULL,
    state                      iasql.subnet_state,
    available_ip_address_count integer,
    cidr_block                 text,
    subnet_id                  text,
    owner_id                   text,
    subnet_arn                 text,
    vpc_id                     integer NOT NULL,
    map_public_ip_on_launch    boolean,
    tags                       jsonb   NOT NULL DEFAULT '{}',
    protected                  boolean NOT NULL DEFAULT false,
    region                     text    NOT NULL DEFAULT iasql.default_region(),

    CONSTRAINT subnet_pkey PRIMARY KEY (id),
    CONSTRAINT subnet_cidr_block_key UNIQUE (vpc_id, cidr_block, region),
    CONSTRAINT subnet_subnet_id_key UNIQUE (subnet_id),
    CONSTRAINT subnet_cidr_block_canonical CHECK (cidr_block = cidr_block::cidr::text),
    CONSTRAINT subnet_cidr_block_size CHECK (family(cidr_block::cidr) = 4 AND masklen(cidr_block::cidr) BETWEEN 16 AND 28),
    CONSTRAINT subnet_tags_valid CHECK (iasql.valid_tags(tags))
);

CREATE TRIGGER fill_region BEFORE INSERT OR UPDATE ON @schema@.subnet
    FOR EACH ROW WHEN (NEW.region IS NULL OR NEW.region = '') EXECUTE FUNCTION iasql.fill_region();
CREATE TRIGGER fill_tags BEFORE INSERT OR UPDATE ON @schema@.subnet
    FOR EACH ROW WHEN (NEW.tags IS NULL) EXECUTE FUNCTION iasql.fill_tags();
CREATE TRIGGER copy_protection AFTER UPDATE OF protected ON @schema@.subnet
    FOR EACH ROW EXECUTE FUNCTION iasql.copy_protection();
CREATE TRIGGER keep_id AFTER UPDATE ON @schema@.subnet
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION iasql.refuse_new_id('id');

COMMENT ON TABLE @schema@.subnet IS 'Subnets of the VPCs. Those of a default VPC belong to the account and are never deleted.';
COMMENT ON COLUMN @schema@.subnet.id IS 'Identifies the row. Given by the database, never changes.';
COMMENT ON COLUMN @schema@.subnet.availability_zone IS 'Availability Zone, like us-east-2a. A change replaces the subnet.';
COMMENT ON COLUMN @schema@.subnet.state IS 'State. Filled by AWS.';
COMMENT ON COLUMN @schema@.subnet.available_ip_address_count IS 'Number of unused IPv4 addresses. Filled by AWS.';
COMMENT ON COLUMN @schema@.subnet.cidr_block IS 'IPv4 addresses of the subnet, a /16 to a /28 within its VPC. A change replaces the subnet. NULL: it has IPv6 only.';
COMMENT ON COLUMN @schema@.subnet.subnet_id IS 'Id in AWS, like subnet-0a1b2c3d. Filled by AWS.';
COMMENT ON COLUMN @schema@.subnet.owner_id IS 'Account id of the owner. Filled by AWS.';
COMMENT ON COLUMN @schema@.subnet.subnet_arn IS 'ARN. Filled by AWS.';
COMMENT ON COLUMN @schema@.subnet.vpc_id IS 'The VPC: its id in table vpc. A change replaces the subnet.';
COMMENT ON COLUMN @schema@.subnet.map_public_ip_on_launch IS 'Whether instances launched here get public addresses. Changed in place. NULL: AWS chooses, and it is filled in.';
COMMENT ON COLUMN @schema@.subnet.tags IS 'Tags, an object of strings. Changed in place.';
COMMENT ON COLUMN @schema@.subnet.protected IS 'Whether the row and its object are spared: apply refuses to delete or replace it, delete_all_records() leaves it.';
COMMENT ON COLUMN @schema@.subnet.region IS 'AWS region, that of the VPC. NULL or empty text means the default region.';
COMMENT ON CONSTRAINT subnet_cidr_block_canonical ON @schema@.subnet IS 'An address range is written out in full, like 10.0.1.0/24.';
COMMENT ON CONSTRAINT subnet_tags_valid ON @schema@.subnet IS 'The limits are those of iasql.valid_tags().';

-- After the import
-- A key is checked at once for all rows, where each row would take a query.

ALTER TABLE @schema@.vpc
    ADD CONSTRAINT vpc_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region);

ALTER TABLE @schema@.subnet
    ADD CONSTRAINT subnet_region_fkey FOREIGN KEY (region) REFERENCES iasql.region (region),
    ADD CONSTRAINT subnet_vpc_id_fkey FOREIGN KEY (vpc_id, region)
        REFERENCES @schema@.vpc (id, region) ON UPDATE CASCADE DEFERRABLE;
