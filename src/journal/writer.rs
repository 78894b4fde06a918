//! The calling backend's side.

use super::JournalError;
use super::mailbox::{Lost, Mailbox};
use super::message::{Statement, read_answer};
use super::worker;
use iasql_engine::journal::Record;
use pgrx::bgworkers::BackgroundWorkerBuilder;
use pgrx::{PgSqlErrorCode, pg_sys};
use serde_json::json;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// How long the worker may take to start. Like the next longer than its timeout for locks, so that a lock is named.
const OPEN_BOUND: Duration = Duration::from_secs(5);

/// How long a statement and its commit may take.
const STATEMENT_BOUND: Duration = Duration::from_secs(10);

/// A worker that starts while its leader does something else.
pub struct Starting {
    mailbox: Mailbox,
}

impl Starting {
    /// Starts a worker.
    pub fn new() -> Result<Self, JournalError> {
        let mut mailbox = Mailbox::create().ok_or(JournalError::NoSharedMemory)?;
        // SAFETY: these are set before any function of an extension runs.
        let (leader, database, max) = unsafe {
            (
                pg_sys::MyProcPid,
                pg_sys::MyDatabaseId,
                pg_sys::max_worker_processes,
            )
        };
        let builder = BackgroundWorkerBuilder::new(worker::NAME)
            .set_library("$libdir/iasql")
            .set_function(worker::FUNCTION)
            .enable_spi_access()
            .set_notify_pid(leader)
            .set_argument(Some(mailbox.handle().into()))
            .set_extra(&database.to_u32().to_string());
        match mailbox.start(&mut pg_sys::BackgroundWorker::from(&builder)) {
            true => Ok(Self { mailbox }),
            false => Err(JournalError::NoWorker { max }),
        }
    }

    /// Waits until the worker can write the records of a run, named by a UUID.
    pub fn ready(mut self, run: &str) -> Result<JournalWriter, JournalError> {
        let end = Some(Instant::now() + OPEN_BOUND);
        let answer = self.mailbox.receive(end);
        match read_answer(&answer.map_err(|lost| lost.after(OPEN_BOUND))?) {
            Ok(()) => Ok(JournalWriter::new(run, self.mailbox)),
            Err(JournalError::Refused {
                code:
                    PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME
                    | PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                ..
            }) => Err(JournalError::NotCommitted),
            Err(error) => Err(error),
        }
    }
}

/// Writes the records of one run. Dropping it ends the worker; so does the end of this backend, of whatever kind.
///
/// It services no interrupts and resets the process's latch: between calls look at the flags of pending interrupts, not
/// at the latch.
pub struct JournalWriter {
    run: String,
    user_name: String,
    session_user_name: String,
    /// `None` after a failure: an answer that comes late must not be taken for that to the next message.
    mailbox: Option<Mailbox>,
}

impl JournalWriter {
    fn new(run: &str, mailbox: Mailbox) -> Self {
        // SAFETY: these are set before any function of an extension runs.
        let (user, session_user) = unsafe { (pg_sys::GetUserId(), pg_sys::GetSessionUserId()) };
        Self {
            run: run.to_owned(),
            user_name: role_name(user),
            session_user_name: role_name(session_user),
            mailbox: Some(mailbox),
        }
    }

    /// Appends records in their order, all or none. They are durable when this returns `Ok`, not written if it returns
    /// [`JournalError::Refused`], and either after any other error, which also ends the writer.
    pub fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let batch = json!({
            "run": self.run,
            "user_name": self.user_name,
            "session_user_name": self.session_user_name,
            "records": records,
        });
        self.execute(Statement::Append, &batch.to_string())
    }

    /// Deletes the records of runs that ended longer ago than this and have nothing left to resolve. It does not see
    /// what the caller's transaction has resolved.
    pub fn prune(&mut self, retention: Duration) -> Result<(), JournalError> {
        self.execute(Statement::Prune, &retention.as_secs().to_string())
    }

    fn execute(&mut self, statement: Statement, argument: &str) -> Result<(), JournalError> {
        let mut mailbox = self.mailbox.take().ok_or(JournalError::WorkerEnded)?;
        let end = Some(Instant::now() + STATEMENT_BOUND);
        let sent = mailbox.send(&statement.with(argument), end);
        let answer = sent
            .and_then(|()| mailbox.receive(end))
            .map_err(|lost| lost.after(STATEMENT_BOUND))?;
        self.mailbox = Some(mailbox);
        read_answer(&answer)
    }
}

impl Lost {
    fn after(self, bound: Duration) -> JournalError {
        match self {
            Lost::Gone => JournalError::WorkerEnded,
            Lost::Late => JournalError::Late { bound },
        }
    }
}

fn role_name(role: pg_sys::Oid) -> String {
    // SAFETY: a role that does not exist raises an error, so the name is a string that ends in a zero byte.
    unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(role, false)) }
        .to_string_lossy()
        .into_owned()
}
