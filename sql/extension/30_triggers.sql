-- Trigger functions of the module tables. Each trigger has a WHEN clause where one can say that there is nothing to do,
-- so that ordinary rows do not pay for a function call.
-- Triggers of a table fire in the order of their names: fill_* come first, those that read the filled columns sort after them.
-- The functions run as the caller and look other module tables up in the schema of the table that fired.

CREATE FUNCTION iasql.fill_region() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.region := iasql.default_region();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION iasql.fill_region() IS 'Trigger: a row without a region gets the default region.';

CREATE FUNCTION iasql.fill_tags() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.tags := '{}';
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION iasql.fill_tags() IS 'Trigger: NULL for tags means no tags.';

CREATE FUNCTION iasql.resolve_default_vpc() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('SELECT id FROM %I.vpc WHERE is_default AND region = $1', TG_TABLE_SCHEMA)
        INTO NEW.vpc_id
        USING NEW.region;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION iasql.resolve_default_vpc() IS
    'Trigger: a row without a VPC gets the default VPC of its region, or stays without where there is none.';

CREATE FUNCTION iasql.normalize_security_group_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.ip_protocol := CASE lower(NEW.ip_protocol)
        WHEN '1' THEN 'icmp'
        WHEN '6' THEN 'tcp'
        WHEN '17' THEN 'udp'
        WHEN '58' THEN 'icmpv6'
        ELSE lower(NEW.ip_protocol)
    END;
    -- AWS opens all ports of any other protocol, whatever ports are given, and all of icmpv6 if none are given.
    IF NEW.ip_protocol NOT IN ('tcp', 'udp', 'icmp', 'icmpv6')
        OR NEW.ip_protocol = 'icmpv6' AND NEW.from_port IS NULL AND NEW.to_port IS NULL
    THEN
        NEW.from_port := -1;
        NEW.to_port := -1;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION iasql.normalize_security_group_rule() IS
    'Trigger: protocol and ports of a rule in the one form in which AWS reports them.';

CREATE FUNCTION iasql.refuse_subnets_of_other_regions() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stray record;
BEGIN
    EXECUTE format('SELECT subnet_id, region FROM %I.subnet WHERE subnet_id = ANY ($1) AND region <> $2 LIMIT 1', TG_TABLE_SCHEMA)
        INTO stray
        USING NEW.subnets, NEW.region;
    IF stray.subnet_id IS NOT NULL THEN
        RAISE EXCEPTION 'subnet "%" is in region "%", but the % is in region "%"',
            stray.subnet_id, stray.region, replace(TG_TABLE_NAME, '_', ' '), NEW.region
        USING ERRCODE = 'foreign_key_violation',
              HINT = format('Take only subnets of that region: ... WHERE subnet.region = %L', NEW.region),
              SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'subnets';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION iasql.refuse_subnets_of_other_regions() IS
    'Trigger: refuses a row with a subnet that is known to be in another region.';

CREATE FUNCTION iasql.resolve_cluster_name() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    clusters text[];
BEGIN
    EXECUTE format('SELECT array_agg(cluster_name ORDER BY cluster_name) FROM %I.service WHERE name = $1 AND region = $2', TG_TABLE_SCHEMA)
        INTO clusters
        USING NEW.service_name, NEW.region;
    IF clusters IS NULL THEN
        RAISE EXCEPTION 'there is no service "%" in region "%"', NEW.service_name, NEW.region
        USING ERRCODE = 'foreign_key_violation',
              HINT = 'Insert the service first.',
              SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'service_name';
    ELSIF cardinality(clusters) > 1 THEN
        RAISE EXCEPTION 'service "%" is in several clusters of region "%": %',
            NEW.service_name, NEW.region, array_to_string(clusters, ', ')
        USING ERRCODE = 'not_null_violation',
              HINT = 'Say which one in the column cluster_name.',
              SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'cluster_name';
    END IF;
    NEW.cluster_name := clusters[1];
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION iasql.resolve_cluster_name() IS
    'Trigger: a row without a cluster gets the one cluster that has a service of that name.';

-- A guard: apply refuses to delete what is protected even after its row is gone. So the flag is copied to what was
-- agreed on in the same transaction. It runs as the extension's owner, and only for rows of installed tables: it
-- believes nothing but the row that changed. It touches no value of a type that is not Postgres's own: to make JSON of
-- the row, or to cast a column that its owner has given another type, would run the code of that type's owner.
CREATE FUNCTION iasql.copy_protection() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id_column name;
    id int;
BEGIN
    SELECT a.attname INTO id_column
    FROM iasql.installed_table t JOIN pg_attribute a ON a.attrelid = t.relation
    JOIN pg_attribute p ON p.attrelid = t.relation AND p.attname = 'protected' AND p.atttypid = 'boolean'::regtype
    WHERE t.relation = TG_RELID AND a.attname IN ('id', 'row_id') AND a.atttypid = 'integer'::regtype
    ORDER BY a.attname DESC LIMIT 1;
    IF id_column IS NOT NULL THEN
        EXECUTE format('SELECT ($1).%I', id_column) INTO id USING NEW;
        UPDATE iasql.known k
        SET protected = NEW.protected
        FROM iasql.installed_table t
        WHERE t.relation = TG_RELID AND k.table_name = t.table_name AND k.row_id = id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION iasql.copy_protection() IS 'Trigger: an object is protected as soon as its row says so.';

-- The id is what a row is known by: a row with another one would be a new row to apply, and the old one deleted.
CREATE FUNCTION iasql.refuse_new_id() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'column "%" of table "%" identifies the row and never changes', TG_ARGV[0], TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation',
          HINT = 'Change the other columns, or delete the row and insert another one.',
          SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = TG_ARGV[0];
END
$$;
COMMENT ON FUNCTION iasql.refuse_new_id() IS 'Trigger: refuses another id for a row. Its argument is the column.';
