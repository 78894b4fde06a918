//! What the cases run on: a throw-away server, the load generator, and a stop-watch for statements.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use iasql_tests::{Cluster, Database, Session};

use crate::aws::{Calls, HOME, LoadGenerator, Pace, Sizes};
use crate::error::{Error, Result};

/// What the cases run on.
pub struct Bench {
    /// The server.
    pub cluster: Cluster,
    /// AWS.
    pub aws: LoadGenerator,
    /// How often each case runs.
    pub runs: usize,
}

/// A statement that was run, measured at both ends.
pub struct Measured {
    /// From the statement's sending to its result.
    pub took: Duration,
    /// Of that, before the first request arrived and after the last reply had left: the reading taken out.
    pub own: Duration,
    /// How long the backend's own thread ran on a processor; the thread that calls AWS is another.
    pub processor: Duration,
    /// The calls.
    pub calls: Calls,
}

impl Bench {
    /// Starts both servers.
    pub fn start(runs: usize) -> Result<Self> {
        let aws = LoadGenerator::start(0, Sizes::fresh(), Pace::default());
        Ok(Self {
            cluster: Cluster::start()?,
            aws: aws.map_err(Error::io("127.0.0.1"))?,
            runs,
        })
    }

    /// An account of this size at this pace, and a new database connected to it.
    pub fn account(&self, sizes: &Sizes, pace: Pace) -> Result<Database<'_>> {
        self.aws.reset(sizes, pace);
        self.database(&self.aws.endpoint())
    }

    /// A new database connected to AWS at this endpoint.
    pub fn database(&self, endpoint: &str) -> Result<Database<'_>> {
        let database = self.cluster.create_database()?;
        database.connect()?.query(&format!(
            "CREATE EXTENSION iasql;
             CREATE SERVER aws FOREIGN DATA WRAPPER iasql OPTIONS (region '{HOME}', endpoint_url '{endpoint}');
             CREATE USER MAPPING FOR CURRENT_USER SERVER aws
                 OPTIONS (access_key_id 'test', secret_access_key 'test');"
        ))?;
        Ok(database)
    }

    /// Runs a statement and measures it.
    pub fn measure(&self, session: &mut Session, sql: &str) -> Result<Measured> {
        let pid = session.backend_pid()?.to_string();
        let thread = Path::new("/proc").join(&pid).join("task").join(&pid);
        self.aws.take_calls();
        let before = processor_time(&thread)?;
        let start = Instant::now();
        session.query(sql)?;
        let end = Instant::now();
        let processor = processor_time(&thread)?.saturating_sub(before);
        let calls = self.aws.take_calls();
        let took = end - start;
        let reading = match (calls.first(), calls.last()) {
            (Some(first), Some(last)) => last - first,
            _ => Duration::ZERO,
        };
        let own = took.saturating_sub(reading);
        Ok(Measured {
            took,
            own,
            processor,
            calls,
        })
    }
}

/// Watches the memory of a backend that no other process shares, while something runs. Returns the most there was, in
/// megabytes.
pub fn peak_memory<T>(pid: u32, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak: f64 = 0.0;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(memory(pid).unwrap_or_default());
                thread::sleep(Duration::from_millis(5));
            }
            peak
        });
        let result = work();
        over.store(true, Ordering::Relaxed);
        Ok((result?, watcher.join().unwrap_or(f64::NAN)))
    })
}

/// How long a thread has run on a processor: unlike the time on the wall, the same on a busy machine.
pub fn processor_time(thread: &Path) -> Result<Duration> {
    let path = thread.join("schedstat");
    let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|first| first.parse().ok());
    Ok(Duration::from_nanos(nanoseconds.unwrap_or_default()))
}

/// The memory of a process that no other shares, in megabytes.
pub fn memory(pid: u32) -> Result<f64> {
    let path = Path::new("/proc").join(pid.to_string()).join("status");
    let status = fs::read_to_string(&path).map_err(Error::io(&path))?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.unwrap_or(f64::NAN) / 1024.0)
}
