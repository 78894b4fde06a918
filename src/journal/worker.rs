//! The background worker: runs what its leader asks for, and ends when its leader has gone.
//!
//! It connects as no role in particular, because the caller's may not log in and has no rights on the journal. So it
//! runs nothing but the statements known here, and the caller is data.

use super::mailbox::Mailbox;
use super::message::{Statement, answer};
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys::panic::CaughtError;
#[cfg(not(feature = "pg18"))]
use pgrx::pg_sys::pqsignal;
#[cfg(feature = "pg18")]
use pgrx::pg_sys::pqsignal_be as pqsignal;
use pgrx::prelude::*;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the worker is called in `pg_stat_activity` and in the log.
pub(super) const NAME: &str = "iasql journal";

/// The exported function that Postgres starts.
pub(super) const FUNCTION: &str = "iasql_journal_worker";

/// The server, the database or the role may have other defaults. The lock timeout matters most: a lock that the leader
/// itself holds is a deadlock that nobody detects. The lock shows at once whether the table can be written to.
const PREPARE: &str = "
    SET search_path = pg_catalog, pg_temp;
    SET lock_timeout = '3s';
    SET synchronous_commit = on;
    SET default_transaction_read_only = off;
    SET default_transaction_isolation = 'read committed';
    LOCK TABLE iasql.journal IN ROW EXCLUSIVE MODE";

/// Whether a statement is running.
static BUSY: AtomicBool = AtomicBool::new(false);

/// The worker's main function. Its argument is the handle of the mailbox, its extra data the database.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn iasql_journal_worker(handle: pg_sys::Datum) {
    // SAFETY: signals are blocked until the handler is in place. The leader made the handle for this worker alone.
    let mailbox = unsafe {
        pqsignal(pg_sys::SIGTERM as i32, Some(on_sigterm));
        pg_sys::BackgroundWorkerUnblockSignals();
        Mailbox::attach(handle.value() as pg_sys::dsm_handle)
    };
    let database = BackgroundWorker::get_extra().parse::<u32>().ok();
    if let (Some(mut mailbox), Some(database)) = (mailbox, database) {
        BackgroundWorker::connect_worker_to_spi_by_oid(Some(database.into()), None);
        serve(&mut mailbox);
    }
}

/// Answers the leader until it has gone, the first time without being asked.
fn serve(mailbox: &mut Mailbox) {
    let mut answer = in_transaction(|| Spi::run(PREPARE));
    while mailbox.send(&answer, None).is_ok()
        && let Ok(message) = mailbox.receive(None)
    {
        answer = in_transaction(|| match Statement::of(&message) {
            Some((statement, argument)) => Spi::run_with_args(statement.sql(), &[argument.into()]),
            None => error!("the journal does not understand its leader"),
        });
    }
}

/// Runs statements in a transaction of their own. The answer says how it ended.
fn in_transaction(body: impl FnOnce() -> Result<(), spi::Error>) -> Vec<u8> {
    let body = AssertUnwindSafe(|| body().unwrap_or_else(|error| error!("{error}")));
    BUSY.store(true, Ordering::Relaxed);
    let failure = PgTryBuilder::new(|| {
        BackgroundWorker::transaction(body);
        None
    })
    .catch_others(|error| {
        let (CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic {
            ereport: report, ..
        }) = error;
        Some(answer(report.sql_error_code(), report.message()))
    })
    .execute();
    if failure.is_some() {
        // SAFETY: the error is caught and flushed; the rollback is what is left to do.
        unsafe { pg_sys::AbortCurrentTransaction() };
    }
    BUSY.store(false, Ordering::Relaxed);
    failure.unwrap_or_else(|| answer(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, ""))
}

/// Obeys at once only in the middle of a statement, which may be stuck on a lock or a standby. Otherwise the worker
/// goes when its leader goes: when the server stops, both get the signal, and the leader may still have to record what
/// came of its last calls.
unsafe extern "C-unwind" fn on_sigterm(signal: i32) {
    if BUSY.load(Ordering::Relaxed) {
        // SAFETY: this is Postgres's own handler of this signal.
        unsafe { pg_sys::die(signal) }
    }
}
