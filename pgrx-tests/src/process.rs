//! Running programs.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// What a program that has ended has printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Output {
    /// Whether the program ended well.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }
}

impl From<process::Output> for Output {
    fn from(output: process::Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => writeln!(f, "status {status}")?,
            None => writeln!(f, "ended by a signal")?,
        }
        write!(f, "{}{}", self.stdout, self.stderr)
    }
}

/// The signals that tests send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Cancel the running statement (backend), or shut down fast (server).
    Int,
    /// Terminate.
    Term,
    /// Crash.
    Kill,
    /// Pause, as a machine that hangs does.
    Stop,
    /// Go on after a pause.
    Cont,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Int => "INT",
            Self::Term => "TERM",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Cont => "CONT",
        }
    }

    /// Sends this signal to a process.
    pub fn send(self, pid: u32) -> Result {
        // The shell's own `kill`: a bare Debian has no other.
        let script = ["-c", "kill -s \"$1\" \"$2\"", "kill", self.name()];
        run_well(Command::new("/bin/sh").args(script).arg(pid.to_string())).map(drop)
    }
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One of the repository's scripts.
pub(crate) fn script(name: &str) -> PathBuf {
    repository().join("scripts").join(name)
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    command
        .output()
        .map(Output::from)
        .map_err(Error::io(command.get_program()))
}

/// Runs a program to its end, with this on its standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Result<Output> {
    let program = command.get_program().to_owned();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Error::io(&program))?;
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        // Beside the reading of its output: a program that waits for one side would hang on the other. One that ends
        // before it has read everything says why by itself.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        child
            .wait_with_output()
            .map(Output::from)
            .map_err(Error::io(&program))
    })
}

/// Runs a program to its end; an unhappy end is an error.
pub(crate) fn run_well(command: &mut Command) -> Result<Output> {
    let output = run(command)?;
    if output.success() {
        return Ok(output);
    }
    Err(Error::Program {
        program: command.get_program().to_string_lossy().into_owned(),
        output,
    })
}

/// Looks again every 20 ms until there is an answer.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(answer) = look()? {
            return Ok(answer);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(Error::Timeout {
        what: what.to_owned(),
        seconds: limit.as_secs(),
    })
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
