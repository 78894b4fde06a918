//! What can go wrong in the harness.

use std::path::PathBuf;

use crate::ServerMessage;
use crate::process::Output;

/// The result of everything the harness does; tests return it too.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused a statement.
    #[error("{0}")]
    Sql(Box<ServerMessage>),
    /// A statement that should have been refused was not.
    #[error("this was expected to fail, and did not: {statement}")]
    NotRefused {
        /// The statement.
        statement: String,
    },
    /// A result was asked for a column that it does not have.
    #[error("no column {name} among {columns:?}")]
    NoSuchColumn {
        /// The column.
        name: String,
        /// Those that it has.
        columns: Vec<String>,
    },
    /// The connection could not be made, or broke.
    #[error("connection to the database: {0}")]
    Connection(postgres::Error),
    /// A program ended with a failure.
    #[error("{program} failed: {output}")]
    Program {
        /// The program.
        program: String,
        /// Its status and what it printed.
        output: Output,
    },
    /// A server did not start.
    #[error("{server} did not start; its log:\n{log}")]
    NotStarted {
        /// Which server.
        server: &'static str,
        /// The end of its log.
        log: String,
    },
    /// A program's input or output is closed.
    #[error("{what} has ended")]
    Closed {
        /// The program.
        what: &'static str,
    },
    /// Something awaited did not happen in time.
    #[error("waited {seconds} s in vain for {what}")]
    Timeout {
        /// What was awaited.
        what: String,
        /// For how long.
        seconds: u64,
    },
    /// A call of the cloud failed on the way.
    #[error("{operation}: {source}")]
    Http {
        /// The AWS operation.
        operation: String,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The cloud answered with an error.
    #[error("{operation} answered {status}: {body}")]
    Refused {
        /// The AWS operation.
        operation: String,
        /// The HTTP status.
        status: u16,
        /// The answer's body.
        body: String,
    },
    /// Something is not as it was promised.
    #[error("{promise}")]
    Broken {
        /// What.
        promise: String,
    },
    /// A file or a socket.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file, folder or program.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Text that should have been something else.
    #[error("cannot make sense of {what}: {text}")]
    Malformed {
        /// What it should have been.
        what: &'static str,
        /// What it was.
        text: String,
    },
}

impl Error {
    /// Makes an [`Error::Io`] of an I/O error about this path.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// That this holds, or else an error that says so.
pub fn ensure(holds: bool, promise: impl FnOnce() -> String) -> Result {
    match holds {
        true => Ok(()),
        false => Err(Error::Broken { promise: promise() }),
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        match error.as_db_error() {
            Some(message) => Self::Sql(Box::new(message.into())),
            None => Self::Connection(error),
        }
    }
}
