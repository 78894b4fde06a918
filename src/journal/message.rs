//! What passes through the mailbox: the statement to run with its argument, and the answer.

use super::JournalError;
use pgrx::PgSqlErrorCode;

/// The statements that the worker runs for its leader. There are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Statement {
    /// Appends a batch of records, a JSON object.
    Append = b'a',
    /// Deletes the records of runs that ended more than so many seconds ago and have nothing left to resolve.
    Prune = b'p',
}

impl Statement {
    /// The message that asks for this statement.
    pub(super) fn with(self, argument: &str) -> Vec<u8> {
        [&[self as u8], argument.as_bytes()].concat()
    }

    /// Reads what [`Statement::with`] wrote.
    pub(super) fn of(message: &[u8]) -> Option<(Self, &str)> {
        let (&first, argument) = message.split_first()?;
        let statement = [Self::Append, Self::Prune]
            .into_iter()
            .find(|known| *known as u8 == first)?;
        Some((statement, std::str::from_utf8(argument).ok()?))
    }

    /// The text of the statement, for a session whose `search_path` is `pg_catalog`.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Append => APPEND,
            Self::Prune => PRUNE,
        }
    }
}

const APPEND: &str = "
    INSERT INTO iasql.journal
        (run, user_name, session_user_name, step, event, action, table_name, row_id, region, operation, cloud_id,
         owner_tag, state, request_id, error)
    SELECT (batch ->> 'run')::uuid, batch ->> 'user_name', batch ->> 'session_user_name', step, event, action,
           table_name, row_id, region, operation, cloud_id, owner_tag, state, request_id, error
    FROM (SELECT $1::jsonb) AS message (batch),
         ROWS FROM (jsonb_to_recordset(batch -> 'records') AS (
             step int, event text, action text, table_name text, row_id bigint, region text, operation text,
             cloud_id text, owner_tag text, state jsonb, request_id text, error text
         )) WITH ORDINALITY AS record
    ORDER BY record.ordinality";

/// A step is resolved when `iasql.resolved` lists it, or when AWS refused each of its calls. The limit keeps one run
/// from waiting for all that a shortened retention leaves to delete.
const PRUNE: &str = "
    WITH old AS MATERIALIZED (
        SELECT DISTINCT run FROM iasql.journal WHERE logged_at < now() - make_interval(secs => $1::float8)
    ), expired AS MATERIALIZED (
        SELECT run FROM old
        WHERE NOT EXISTS (
            SELECT FROM iasql.journal
            WHERE journal.run = old.run AND logged_at >= now() - make_interval(secs => $1::float8)
        ) AND NOT EXISTS (
            SELECT FROM iasql.journal
            WHERE journal.run = old.run
              AND NOT EXISTS (
                  SELECT FROM iasql.resolved WHERE resolved.run = journal.run AND resolved.step = journal.step
              )
            GROUP BY step
            HAVING count(*) FILTER (WHERE event = 'begin') > count(*) FILTER (WHERE event = 'failed')
        )
        LIMIT 100
    ), forgotten AS (
        DELETE FROM iasql.resolved USING expired WHERE resolved.run = expired.run
    )
    DELETE FROM iasql.journal USING expired WHERE journal.run = expired.run";

/// An answer: the SQLSTATE, which says whether it went well, and the message of the error.
pub(super) fn answer(code: PgSqlErrorCode, message: &str) -> Vec<u8> {
    [&(code as i32).to_ne_bytes(), message.as_bytes()].concat()
}

/// Reads what [`answer`] wrote.
pub(super) fn read_answer(answer: &[u8]) -> Result<(), JournalError> {
    let (code, message) = match answer.split_first_chunk() {
        Some((code, message)) => (i32::from_ne_bytes(*code).into(), message),
        None => (PgSqlErrorCode::ERRCODE_PROTOCOL_VIOLATION, answer),
    };
    match code {
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION => Ok(()),
        code => Err(JournalError::Refused {
            code,
            message: String::from_utf8_lossy(message).into_owned(),
        }),
    }
}
