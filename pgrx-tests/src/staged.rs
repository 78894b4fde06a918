//! The private copy of Postgres.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::process::{run_well, script};
use crate::{Error, Result};

/// A copy of the installed Postgres with this build of the extension in it.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    /// Where servers keep their files.
    pub(crate) base: PathBuf,
    /// Where the executables are.
    pub(crate) bin: PathBuf,
}

impl Staged {
    /// Puts the current build in place, once a process.
    pub(crate) fn prepare() -> Result<Self> {
        static STAGED: Mutex<Option<Staged>> = Mutex::new(None);
        let mut staged = STAGED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(staged) = &*staged {
            return Ok(staged.clone());
        }
        let output = run_well(&mut Command::new(script("stage-postgres")))?.stdout;
        let (base, bin) = output
            .trim_end()
            .split_once('\n')
            .ok_or_else(|| Error::Malformed {
                what: "two folders",
                text: output.clone(),
            })?;
        Ok(staged
            .insert(Self {
                base: base.into(),
                bin: bin.into(),
            })
            .clone())
    }

    /// A name for a folder that nobody else has.
    pub(crate) fn unique_name() -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        format!(
            "{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        )
    }
}
