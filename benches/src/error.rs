//! What can go wrong in a benchmark.

use std::path::PathBuf;

/// The result of everything here.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// In the harness: the server, a statement.
    #[error(transparent)]
    Harness(#[from] iasql_tests::Error),
    /// A file, a socket or a program.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A peer ended with a failure.
    #[error("{name} failed:\n{output}")]
    Peer {
        /// Which.
        name: String,
        /// What it printed.
        output: String,
    },
    /// A case did not do what it measures.
    #[error("{case}: {found}")]
    Unexpected {
        /// Which case.
        case: &'static str,
        /// What it found.
        found: String,
    },
}

impl Error {
    /// Makes an [`Error::Io`] of an I/O error about this path.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
