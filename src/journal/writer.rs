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
use std::ptr::null_mut;
use std::time::{Duration, Instant};

/// How long the worker may take to start. Like the next longer than its timeout for locks, so that a lock is named.
const OPEN_BOUND: Duration = Duration::from_secs(5);

/// How long a statement and its commit may take.
const STATEMENT_BOUND: Duration = Duration::from_secs(10);

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
    /// Starts the worker for a run, named by a UUID, and waits until it can write.
    pub fn open(run: &str) -> Result<Self, JournalError> {
        // SAFETY: these are set before any function of an extension runs.
        let (user, session_user) = unsafe { (pg_sys::GetUserId(), pg_sys::GetSessionUserId()) };
        Ok(Self {
            run: run.to_owned(),
            user_name: role_name(user),
            session_user_name: role_name(session_user),
            mailbox: Some(start_worker()?),
        })
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

fn start_worker() -> Result<Mailbox, JournalError> {
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
    let mut registration = pg_sys::BackgroundWorker::from(&builder);
    let mut handle = null_mut();
    // SAFETY: both places are there. The handle is allocated in the caller's memory context, which outlives this call
    // and so the first answer.
    unsafe {
        if !pg_sys::RegisterDynamicBackgroundWorker(&mut registration, &mut handle) {
            return Err(JournalError::NoWorker { max });
        }
        mailbox.expect(handle);
    }
    let answer = mailbox
        .receive(Some(Instant::now() + OPEN_BOUND))
        .map_err(|lost| lost.after(OPEN_BOUND))?;
    match read_answer(&answer) {
        Err(JournalError::Refused {
            code:
                PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME | PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            ..
        }) => Err(JournalError::NotCommitted),
        ready => ready.map(|()| mailbox),
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
