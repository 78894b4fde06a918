//! Servers that end with the process that started them.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::process::script;
use crate::{Error, Result};

/// A running server. When this value is dropped, or when the test process dies in whatever way, the server is stopped
/// and its folder removed: see `scripts/leash`.
#[derive(Debug)]
pub(crate) struct Leash {
    child: Child,
}

impl Leash {
    /// Starts `server`, with all it prints going to `log`. `signal` is what stops it when it is dropped.
    pub(crate) fn start(server: &Command, signal: &str, folder: &Path, log: &Path) -> Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::io(log))?;
        let mut command = Command::new(script("leash"));
        command
            .arg(signal)
            .arg(folder)
            .arg(server.get_program())
            .args(server.get_args())
            .env_clear()
            .envs(
                server
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(Error::io(log))?)
            .stderr(output)
            // An interrupt typed at the terminal is for the tests; the server ends after them.
            .process_group(0);
        let child = command.spawn().map_err(Error::io(script("leash")))?;
        Ok(Self { child })
    }

    /// How the server ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(Error::io(script("leash")))
    }

    /// Waits for a server that was told to stop in some other way; its folder stays.
    pub(crate) fn wait_for_end(mut self) -> Result {
        while self.ended()?.is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // `wait` closes the standard input first, which is the signal to stop. It fails only without a child.
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::staged::Staged;
    use crate::{Error, wait_for};

    /// A new folder with a log in it, and a server that runs this shell script.
    fn start(script: &str) -> Result<(PathBuf, Leash)> {
        let folder = std::env::temp_dir().join(format!("iasql-leash-{}", Staged::unique_name()));
        fs::create_dir(&folder).map_err(Error::io(&folder))?;
        let mut server = Command::new("/bin/sh");
        server.args(["-c", script]).env("PATH", "/usr/bin:/bin");
        let leash = Leash::start(&server, "TERM", &folder, &folder.join("log"))?;
        Ok((folder, leash))
    }

    #[test]
    fn a_server_that_is_let_go_is_stopped_and_its_folder_removed() -> Result {
        let (folder, leash) = start("echo up; exec sleep 600")?;
        wait_for("the server", Duration::from_secs(10), || {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            Ok((log == "up\n").then_some(()))
        })?;
        drop(leash);
        assert!(!folder.exists());
        Ok(())
    }

    #[test]
    fn a_server_that_ends_by_itself_leaves_its_folder() -> Result {
        let (folder, mut leash) = start("echo no; exit 3")?;
        let status = wait_for("the end", Duration::from_secs(10), || leash.ended())?;
        assert_eq!(status.code(), Some(3));
        drop(leash);
        let log = fs::read_to_string(folder.join("log")).map_err(Error::io(&folder))?;
        assert_eq!(log, "no\n");
        fs::remove_dir_all(&folder).map_err(Error::io(&folder))
    }
}
