//! A psql that stays open, as a reader's does.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{Database, Error, Result};

/// A running psql. Dropping it ends its session.
pub(super) struct Psql {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// What statements led to.
pub(super) struct Answer {
    /// What psql printed: rows, notices, errors.
    pub(super) lines: Vec<String>,
    /// The SQLSTATE of the last error; 00000 where there was none.
    pub(super) sqlstate: String,
}

const END: &str = "the block ends here";

impl Psql {
    pub(super) fn open(database: &Database<'_>) -> Result<Self> {
        let psql = database.cluster().program("psql");
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "exec \"$0\" -X -q 2>&1"])
            .arg(psql.get_program())
            .envs(
                psql.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("PGDATABASE", database.name())
            .env("PGOPTIONS", "-c statement_timeout=60s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Error::io("psql"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or(Error::Closed { what: "psql" })?;
        Ok(Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }

    pub(super) fn run(&mut self, statements: &str) -> Result<Answer> {
        let stdin = self.stdin.as_mut().ok_or(Error::Closed { what: "psql" })?;
        writeln!(stdin, "{statements}\n\\echo '{END}' :LAST_ERROR_SQLSTATE")
            .and_then(|()| stdin.flush())
            .map_err(Error::io("psql"))?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self
                .stdout
                .read_line(&mut line)
                .map_err(Error::io("psql"))?;
            if read == 0 {
                return Err(Error::Malformed {
                    what: "the end of a psql session",
                    text: lines.join("\n"),
                });
            }
            let line = line.trim_end().to_owned();
            if let Some(sqlstate) = line.strip_prefix(END) {
                let failed = lines.iter().any(|line: &String| line.starts_with("ERROR:"));
                let sqlstate = if failed { sqlstate.trim() } else { "00000" };
                return Ok(Answer {
                    sqlstate: sqlstate.to_owned(),
                    lines,
                });
            }
            lines.push(line);
        }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        // At the end of its input psql ends.
        self.stdin = None;
        let _ = self.child.wait();
    }
}
