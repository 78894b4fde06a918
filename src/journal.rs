//! The journal: records that are durable whatever becomes of the caller's transaction.
//!
//! A transaction can be rolled back, AWS cannot. So the calling backend ([`JournalWriter`]) hands its records to a
//! background [`worker`], which writes them to `iasql.journal` in transactions of its own and does nothing else.
//! `docs/decisions/0002-journal.md` says why it is a worker.

mod mailbox;
mod message;
mod worker;
mod writer;

pub use writer::{JournalWriter, Starting};

use pgrx::PgSqlErrorCode;
use std::time::Duration;

/// Why a record could not be made durable. After any of these the call that the record announces must not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Every slot for background workers is taken.
    #[error("no background worker is free for the journal (max_worker_processes is {max})")]
    NoWorker {
        /// The server's `max_worker_processes`.
        max: i32,
    },
    /// Every slot for dynamic shared memory is taken.
    #[error("no dynamic shared memory segment is free for the journal")]
    NoSharedMemory,
    /// Another session does not see the journal's table.
    #[error("the table iasql.journal is not visible to other sessions yet")]
    NotCommitted,
    /// The worker ended, or the server is going down.
    #[error("the journal's background worker has ended")]
    WorkerEnded,
    /// The worker did not answer in time.
    #[error("the journal did not answer within {} s", bound.as_secs())]
    Late {
        /// How long the caller waited.
        bound: Duration,
    },
    /// The worker could not write.
    #[error("the journal could not be written: {message}")]
    Refused {
        /// The SQLSTATE of the worker's error.
        code: PgSqlErrorCode,
        /// The message of the worker's error.
        message: String,
    },
}

impl JournalError {
    /// The SQLSTATE to raise.
    pub fn code(&self) -> PgSqlErrorCode {
        match self {
            Self::NoWorker { .. } => PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            Self::NoSharedMemory => PgSqlErrorCode::ERRCODE_INSUFFICIENT_RESOURCES,
            Self::NotCommitted => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::WorkerEnded | Self::Late { .. } => PgSqlErrorCode::ERRCODE_SYSTEM_ERROR,
            Self::Refused { code, .. } => *code,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoWorker { .. } => {
                "Raise max_worker_processes and restart the server, or try again later."
            }
            Self::NoSharedMemory => {
                "Raise max_connections and restart the server, or try again later."
            }
            Self::NotCommitted => {
                "Commit the transaction that ran CREATE EXTENSION iasql, then call again."
            }
            Self::WorkerEnded => "See the server's log for the reason, then call again.",
            Self::Late { .. } => {
                "See whether this transaction locks a system catalog, or the disk or a synchronous standby is slow."
            }
            Self::Refused {
                code: PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
                ..
            } => {
                "A transaction, perhaps this one, holds a lock on iasql.journal. End it, then call again."
            }
            Self::Refused { .. } => "Remove the reason that the message names, then call again.",
        }
    }
}
