-- The journal of what was sent to AWS and what came of it. It is written by a background worker in transactions of its
-- own, so that no rollback of the caller's takes a record back. See docs/decisions/0002-journal.md.

CREATE TABLE iasql.journal (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT journal_pkey PRIMARY KEY,
    run uuid NOT NULL,
    step int NOT NULL,
    event text NOT NULL,
    action text NOT NULL,
    table_name text NOT NULL,
    row_id bigint NOT NULL,
    region text NOT NULL,
    operation text,
    cloud_id text,
    owner_tag text,
    state jsonb,
    request_id text,
    error text,
    user_name text NOT NULL,
    session_user_name text NOT NULL,
    logged_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT journal_event CHECK (event IN ('begin', 'done', 'failed', 'unknown', 'finished'))
);
CREATE INDEX journal_run_step ON iasql.journal (run, step, id);
CREATE INDEX journal_logged_at ON iasql.journal (logged_at);
COMMENT ON TABLE iasql.journal IS
    'Every call that changes the cloud: a record before it is sent and one with its outcome. Append-only, and durable whatever becomes of the transaction that called.';
COMMENT ON COLUMN iasql.journal.id IS 'The order of the records.';
COMMENT ON COLUMN iasql.journal.run IS 'The apply or sync that wrote the record.';
COMMENT ON COLUMN iasql.journal.step IS 'The number of the step in the plan of its run.';
COMMENT ON COLUMN iasql.journal.event IS
    'begin: a call is about to be sent; done: it was answered; failed: it was refused and changed nothing; unknown: it was not answered and may have happened; finished: the step is complete.';
COMMENT ON COLUMN iasql.journal.action IS 'The action of the step, as the plan names it.';
COMMENT ON COLUMN iasql.journal.table_name IS 'The table of the row that the step is for.';
COMMENT ON COLUMN iasql.journal.row_id IS 'The id of the row that the step is for.';
COMMENT ON COLUMN iasql.journal.region IS 'The region of the object; empty where AWS has none.';
COMMENT ON COLUMN iasql.journal.operation IS 'The AWS operation; NULL in a record that is not about one call.';
COMMENT ON COLUMN iasql.journal.cloud_id IS 'What AWS calls the object, once known.';
COMMENT ON COLUMN iasql.journal.owner_tag IS
    'The owner tag of a create, where neither name nor attributes identify the object.';
COMMENT ON COLUMN iasql.journal.state IS
    'In the begin of a create the row as wanted, in finished the full state that row and cloud agree on.';
COMMENT ON COLUMN iasql.journal.request_id IS 'The id that AWS gave the request.';
COMMENT ON COLUMN iasql.journal.error IS 'The error code and message of AWS.';
COMMENT ON COLUMN iasql.journal.user_name IS 'The role with whose rights the run was made.';
COMMENT ON COLUMN iasql.journal.session_user_name IS 'The role that had logged in.';
COMMENT ON COLUMN iasql.journal.logged_at IS 'When the record was written.';
COMMENT ON CONSTRAINT journal_event ON iasql.journal IS 'The events that there are.';
COMMENT ON INDEX iasql.journal_run_step IS 'Finds the records of a step in their order.';
COMMENT ON INDEX iasql.journal_logged_at IS 'Finds the records that are old enough to be deleted.';
REVOKE ALL ON iasql.journal FROM PUBLIC;

CREATE TABLE iasql.resolved (
    run uuid NOT NULL,
    step int NOT NULL,
    CONSTRAINT resolved_pkey PRIMARY KEY (run, step)
);
COMMENT ON TABLE iasql.resolved IS
    'The steps of the journal that leave no question: what came of them is in the tables, or was looked up in the cloud.';
COMMENT ON COLUMN iasql.resolved.run IS 'The apply or sync that made the step.';
COMMENT ON COLUMN iasql.resolved.step IS 'The number of the step in the plan of its run.';
REVOKE ALL ON iasql.resolved FROM PUBLIC;

CREATE FUNCTION iasql.refuse_to_rewrite_journal() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE insufficient_privilege USING
        MESSAGE = 'iasql.journal is append-only',
        HINT = 'Resolved records are deleted once they are older than iasql.journal_retention.';
END
$$;
COMMENT ON FUNCTION iasql.refuse_to_rewrite_journal() IS 'Keeps everybody from changing records of the journal.';

-- Deleting is a matter of rights, which nobody is given: the records of old runs are deleted by the extension itself.
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON iasql.journal
    FOR EACH STATEMENT EXECUTE FUNCTION iasql.refuse_to_rewrite_journal();
COMMENT ON TRIGGER append_only ON iasql.journal IS 'Records are never changed.';

CREATE VIEW iasql.journal_steps AS
SELECT run,
       step,
       action,
       table_name,
       row_id,
       region,
       cloud_id,
       started,
       CASE WHEN outcome <> 'unfinished' THEN last_record END AS ended,
       outcome,
       operations,
       CASE WHEN outcome <> 'finished' THEN error END AS error,
       user_name,
       session_user_name
FROM (
    SELECT run,
           step,
           action,
           table_name,
           row_id,
           region,
           (pg_catalog.array_agg(cloud_id ORDER BY id DESC) FILTER (WHERE cloud_id IS NOT NULL))[1] AS cloud_id,
           pg_catalog.min(logged_at) AS started,
           pg_catalog.max(logged_at) AS last_record,
           CASE (pg_catalog.array_agg(event ORDER BY id DESC))[1]
               WHEN 'finished' THEN 'finished'
               WHEN 'failed' THEN 'failed'
               WHEN 'unknown' THEN 'unknown'
               ELSE 'unfinished'
           END AS outcome,
           pg_catalog.array_agg(operation ORDER BY id) FILTER (WHERE event = 'begin') AS operations,
           (pg_catalog.array_agg(error ORDER BY id DESC) FILTER (WHERE error IS NOT NULL))[1] AS error,
           user_name,
           session_user_name
    FROM iasql.journal
    GROUP BY run, step, action, table_name, row_id, region, user_name, session_user_name
) AS steps;

COMMENT ON VIEW iasql.journal_steps IS 'The journal, a line a step, with its outcome.';
COMMENT ON COLUMN iasql.journal_steps.run IS 'The apply or sync that made the step.';
COMMENT ON COLUMN iasql.journal_steps.step IS 'The number of the step in the plan of its run.';
COMMENT ON COLUMN iasql.journal_steps.action IS 'The action of the step, as the plan names it.';
COMMENT ON COLUMN iasql.journal_steps.table_name IS 'The table of the row that the step is for.';
COMMENT ON COLUMN iasql.journal_steps.row_id IS 'The id of the row that the step is for.';
COMMENT ON COLUMN iasql.journal_steps.region IS 'The region of the object; empty where AWS has none.';
COMMENT ON COLUMN iasql.journal_steps.cloud_id IS 'What AWS calls the object, as far as known.';
COMMENT ON COLUMN iasql.journal_steps.started IS 'When the first call was about to be sent.';
COMMENT ON COLUMN iasql.journal_steps.ended IS 'When the outcome was recorded; NULL for an unfinished step.';
COMMENT ON COLUMN iasql.journal_steps.outcome IS
    'finished; failed: AWS refused the last call; unknown: the last call was not answered; unfinished: still running, or cut off.';
COMMENT ON COLUMN iasql.journal_steps.operations IS 'The AWS operations, in the order in which they were about to be sent.';
COMMENT ON COLUMN iasql.journal_steps.error IS 'The last error of AWS; NULL for a finished step.';
COMMENT ON COLUMN iasql.journal_steps.user_name IS 'The role with whose rights the run was made.';
COMMENT ON COLUMN iasql.journal_steps.session_user_name IS 'The role that had logged in.';

REVOKE ALL ON iasql.journal_steps FROM PUBLIC;

-- What still has to be resolved goes along with a dump; the rest is this server's history.
SELECT pg_catalog.pg_extension_config_dump('iasql.journal', $$
    WHERE NOT EXISTS (
        SELECT FROM iasql.resolved WHERE resolved.run = journal.run AND resolved.step = journal.step
    )$$);
SELECT pg_catalog.pg_extension_config_dump('iasql.journal_id_seq', '');
