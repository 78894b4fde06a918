-- What AWS has chosen is in the rows.
SELECT repository_uri FROM repository WHERE repository_name = '${project_name}';
SELECT dns_name FROM load_balancer WHERE load_balancer_name = '${project_name}';

-- A second apply has nothing to do.
SELECT * FROM iasql_apply();

-- A change is an UPDATE. The plan shows what it would do; a rollback forgets it.
BEGIN;
UPDATE service SET desired_count = 3 WHERE name = '${project_name}';
SELECT * FROM iasql_plan_apply();
ROLLBACK;

-- Nothing is deleted before the next apply, and sync brings back what was not meant.
SELECT delete_all_records();
SELECT * FROM iasql_plan_apply();
SELECT * FROM iasql_sync();
SELECT * FROM iasql_plan_apply();
