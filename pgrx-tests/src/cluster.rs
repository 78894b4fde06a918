//! A throw-away Postgres server.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::leash::Leash;
use crate::process::{Signal, run_well, script, tail, wait_for};
use crate::staged::Staged;
use crate::{Database, Error, Result};

/// What a server logs when it has started, also anew after one of its processes crashed.
const READY: &str = "database system is ready to accept connections";

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Sessions are ended and rolled back, a checkpoint is written.
    Fast,
    /// Everything ends at once; the next start recovers.
    Immediate,
}

/// What a test wants differently from a server as it comes.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
}

impl ClusterOptions {
    /// A setting of postgresql.conf.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A variable of the server's environment, which is otherwise bare: nobody's AWS credentials are in it.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running Postgres server of one's own, with durable writes as in production. Dropping it removes it.
#[derive(Debug)]
pub struct Cluster {
    staged: Staged,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    server: Mutex<Server>,
}

#[derive(Debug)]
struct Server {
    port: u16,
    running: Option<Leash>,
}

impl Cluster {
    /// Starts a server as it comes.
    pub fn start() -> Result<Self> {
        Self::start_with(ClusterOptions::default())
    }

    /// Starts a server with these options.
    pub fn start_with(options: ClusterOptions) -> Result<Self> {
        let staged = Staged::prepare()?;
        let folder = staged.base.join("run").join(Staged::unique_name());
        run_as_server(Command::new("mkdir").arg(&folder))?;
        run_as_server(
            Command::new("cp")
                .arg("-a")
                .arg(staged.base.join("run/template"))
                .arg(folder.join("data")),
        )?;
        Self::run(staged, folder, options)
    }

    /// Starts a hot standby of this server.
    pub fn start_standby(&self) -> Result<Self> {
        let folder = self.staged.base.join("run").join(Staged::unique_name());
        run_as_server(Command::new("mkdir").arg(&folder))?;
        let mut backup = self.program("pg_basebackup");
        backup
            .args([
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
                "--pgdata",
            ])
            .arg(folder.join("data"));
        run_as_server(&backup)?;
        Self::run(self.staged.clone(), folder, ClusterOptions::default())
    }

    /// The server that tests share which need none of their own: one a process.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: Mutex<Option<&'static Cluster>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match *shared {
            Some(cluster) => Ok(cluster),
            None => Ok(shared.insert(Box::leak(Box::new(Self::start()?)))),
        }
    }

    fn run(staged: Staged, folder: PathBuf, options: ClusterOptions) -> Result<Self> {
        let path = folder.join("data/postgresql.conf");
        let mut file = File::options()
            .append(true)
            .open(&path)
            .map_err(Error::io(&path))?;
        for (name, value) in &options.settings {
            writeln!(file, "{name} = '{}'", value.replace('\'', "''")).map_err(Error::io(&path))?;
        }
        let server = Mutex::new(Server {
            port: 0,
            running: None,
        });
        let cluster = Self {
            staged,
            folder,
            environment: options.environment,
            server,
        };
        cluster.start_again()?;
        Ok(cluster)
    }

    /// A new, empty database with a name of its own.
    pub fn create_database(&self) -> Result<Database<'_>> {
        Database::create(self)
    }

    /// The database `postgres`, which every server has.
    pub fn maintenance_database(&self) -> Database<'_> {
        Database::existing(self, "postgres")
    }

    /// Stops the server; its data stay.
    pub fn stop(&self, how: Shutdown) -> Result {
        let mode = match how {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--wait", "--mode", mode, "--pgdata"])
            .arg(self.data());
        run_as_server(&stop)?;
        self.gone()
    }

    /// Kills every process of the server at once, as a power cut would. Its data stay.
    pub fn kill(&self) -> Result {
        let postmaster = self.postmaster()?;
        let path = format!("/proc/{postmaster}/task/{postmaster}/children");
        // Paused, it cannot notice that its children die, nor they that it dies, and none says goodbye.
        Signal::Stop.send(postmaster)?;
        let children = fs::read_to_string(&path).map_err(Error::io(&path))?;
        for child in children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            Signal::Kill.send(child)?;
        }
        Signal::Kill.send(postmaster)?;
        self.gone()
    }

    /// Kills one process of the server, which then ends all its sessions and starts anew, and waits until it has.
    pub fn crash(&self, process: u32) -> Result {
        // A connection proves nothing: it may be the last one before the server notices.
        let ready = || Ok::<_, Error>(self.log()?.matches(READY).count());
        let before = ready()?;
        Signal::Kill.send(process)?;
        wait_for("the server to recover", Duration::from_secs(60), || {
            Ok((ready()? > before).then_some(()))
        })
    }

    /// Stops the server and starts it again.
    pub fn restart(&self, how: Shutdown) -> Result {
        self.stop(how)?;
        self.start_again()
    }

    /// Starts a server that was stopped or killed.
    pub fn start_again(&self) -> Result {
        // Somebody else may take the port between our finding it free and the server's using it. What was killed may
        // take a moment to be gone.
        let passes = ["Address already in use", "is still in use"];
        let mut tries = 0;
        loop {
            tries += 1;
            match self.launch() {
                Err(Error::NotStarted { log, .. })
                    if tries < 10 && passes.iter().any(|reason| log.contains(reason)) =>
                {
                    std::thread::sleep(Duration::from_millis(100));
                }
                outcome => return outcome,
            }
        }
    }

    fn launch(&self) -> Result {
        let port = free_port()?;
        let mut postgres = Command::new(script("as-server"));
        postgres
            .arg(self.staged.bin.join("postgres"))
            .arg("-D")
            .arg(self.data())
            .args([
                "-c",
                &format!("port={port}"),
                "-c",
                "listen_addresses=127.0.0.1",
            ])
            .args([
                "-c",
                &format!("unix_socket_directories={}", self.folder.display()),
            ])
            // To sync a thousand files one by one takes seconds of every recovery.
            .args(["-c", "recovery_init_sync_method=syncfs"])
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.folder)
            // Outside EC2 the question for the instance's credentials ends only after seconds.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        // What the last run said must not be taken for what this one says.
        let _ = fs::remove_file(self.log_file());
        let mut running = Leash::start(&postgres, "QUIT", &self.folder, &self.log_file())?;
        wait_for(
            "the server to accept connections",
            Duration::from_secs(60),
            || {
                if running.ended()?.is_some() {
                    return Err(Error::NotStarted {
                        server: "postgres",
                        log: tail(&self.log_file()),
                    });
                }
                Ok(self
                    .config(port, "postgres", "postgres")
                    .connect(postgres::NoTls)
                    .ok())
            },
        )?;
        *self.server() = Server {
            port,
            running: Some(running),
        };
        Ok(())
    }

    /// What the server has logged since its last start.
    pub fn log(&self) -> Result<String> {
        fs::read_to_string(self.log_file()).map_err(Error::io(self.log_file()))
    }

    /// The process id of the server's first process.
    pub fn postmaster(&self) -> Result<u32> {
        let path = self.data().join("postmaster.pid");
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        let first = text.lines().next().unwrap_or_default();
        first.parse().map_err(|_| Error::Malformed {
            what: "a process id",
            text,
        })
    }

    /// The home folder of the server's user, in which an AWS SDK looks for `.aws/config`.
    pub fn home(&self) -> &Path {
        &self.folder
    }

    /// The TCP port on 127.0.0.1. Another one after each start.
    pub fn port(&self) -> u16 {
        self.server().port
    }

    /// One of Postgres' client programs, told how to reach this server.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.staged.bin.join(name));
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port().to_string())
            .env("PGUSER", "postgres");
        command
    }

    /// How to connect to this server. By the Unix socket, whose folder nobody else's server uses.
    pub(crate) fn connection(&self, database: &str, user: &str) -> postgres::Config {
        self.config(self.port(), database, user)
    }

    fn config(&self, port: u16, database: &str, user: &str) -> postgres::Config {
        let mut config = postgres::Config::new();
        config
            .host_path(&self.folder)
            .port(port)
            .dbname(database)
            .user(user);
        config
    }

    fn gone(&self) -> Result {
        let running = self.server().running.take();
        running.map_or(Ok(()), Leash::wait_for_end)
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A running server's leash removes the folder; a stopped one has none.
        if self.server().running.is_none() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A TCP port that is free now.
pub(crate) fn free_port() -> Result<u16> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(address.map_err(Error::io(Path::new("127.0.0.1")))?.port())
}

/// Runs a program as the user that runs the server.
fn run_as_server(command: &Command) -> Result {
    let mut as_server = Command::new(script("as-server"));
    as_server
        .arg(command.get_program())
        .args(command.get_args());
    as_server.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    // The server's user may have no right to the folder that the tests run in.
    run_well(as_server.current_dir("/")).map(drop)
}
