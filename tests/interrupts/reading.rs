//! Reads are dropped at once, and nothing of them is left behind.

use super::{end, hold, sqlstate, start};
use iasql_tests::{Error, Fixture, Result};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

const READ: &str = "logs:DescribeLogGroups";
const PLAN: &str = "SELECT * FROM iasql_plan_apply()";

/// What a person takes for "at once", on a machine that does other things too.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn a_cancelled_plan_ends_at_once_and_the_session_goes_on() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let gate = hold(&fixture, READ);
    let session = fixture.session()?;
    let cancel = session.cancel_token();
    let running = start(session, PLAN);
    gate.wait_until_reached()?;
    let asked = Instant::now();
    cancel.cancel_query(postgres::NoTls)?;
    let (mut session, answer) = end(running);
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    assert_eq!(sqlstate(answer), "57014");
    fixture.proxy().forward_all();
    assert!(session.query(PLAN)?.is_empty());
    Ok(())
}

#[test]
fn every_reading_function_obeys_the_statement_timeout() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query("SET statement_timeout = '500ms'")?;
    let _gate = hold(&fixture, READ);
    for function in [
        "iasql_plan_apply",
        "iasql_apply",
        "iasql_plan_sync",
        "iasql_sync",
    ] {
        let begun = Instant::now();
        let refusal = session.refusal(&format!("SELECT * FROM {function}()"))?;
        let taken = begun.elapsed();
        assert_eq!(refusal.sqlstate, "57014", "{refusal}");
        let expected = Duration::from_millis(500)..Duration::from_millis(500) + AT_ONCE;
        assert!(expected.contains(&taken), "{function}: {taken:?}");
    }
    fixture.proxy().forward_all();
    session.query("RESET statement_timeout")?;
    assert!(session.query(PLAN)?.is_empty());
    Ok(())
}

#[test]
fn an_endpoint_that_takes_connections_and_never_answers_stops_nobody() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    // Reads until the other side gives up.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut stream.take(u64::MAX), &mut std::io::sink()));
        }
    });
    let fixture = Fixture::new()?;
    let mut session = fixture.session()?;
    session.query(&format!(
        "ALTER SERVER aws OPTIONS (SET endpoint_url 'http://{address}'); SET statement_timeout = '500ms'"
    ))?;
    let begun = Instant::now();
    let refusal = session.refusal("SELECT * FROM iasql_install('aws_cloudwatch')")?;
    assert_eq!(refusal.sqlstate, "57014", "{refusal}");
    assert!(begun.elapsed() < Duration::from_millis(500) + AT_ONCE);
    let tables = session.query("SELECT count(*) FROM pg_tables WHERE tablename = 'log_group'")?;
    assert_eq!(tables.scalar(), Some("0"));
    Ok(())
}

#[test]
fn a_terminated_backend_ends_at_once() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let gate = hold(&fixture, READ);
    let mut session = fixture.session()?;
    let pid = session.backend_pid()?;
    let running = start(session, PLAN);
    gate.wait_until_reached()?;
    let asked = Instant::now();
    fixture
        .session()?
        .query(&format!("SELECT pg_terminate_backend({pid})"))?;
    let (_, answer) = end(running);
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    assert!(
        matches!(&answer, Err(Error::Connection(_))) || sqlstate(answer) == "57P01",
        "the session should have ended"
    );
    fixture.proxy().forward_all();
    assert!(fixture.session()?.query(PLAN)?.is_empty());
    Ok(())
}

#[test]
fn fifty_interrupted_plans_leave_no_thread_and_no_connection_behind() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    let process = PathBuf::from(format!("/proc/{}", session.backend_pid()?));
    let _gate = hold(&fixture, READ);
    session.query("SET statement_timeout = '40ms'")?;
    let mut counts = Vec::new();
    for round in 0..50 {
        assert_eq!(session.refusal(PLAN)?.sqlstate, "57014");
        if matches!(round, 9 | 49) {
            // A connection that is given up is closed in the background.
            thread::sleep(Duration::from_millis(300));
            counts.push((entries(&process, "task")?, entries(&process, "fd")?));
        }
    }
    assert_eq!(counts[0], counts[1]);
    let backends = fixture.session()?.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )?;
    assert_eq!(backends.scalar(), Some("1"));
    Ok(())
}

#[test]
fn no_thread_but_the_backends_own_takes_signals() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query(PLAN)?;
    let pid = session.backend_pid()?;
    let tasks = PathBuf::from(format!("/proc/{pid}/task"));
    let mut others = 0;
    for task in fs::read_dir(&tasks).map_err(io)?.flatten() {
        if task.file_name().to_string_lossy() == pid.to_string() {
            continue;
        }
        others += 1;
        let status = fs::read_to_string(task.path().join("status")).map_err(io)?;
        let blocked = status
            .lines()
            .find_map(|line| line.strip_prefix("SigBlk:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or_default();
        // HUP, INT, QUIT, USR1, USR2, ALRM, TERM, CHLD, URG: those that Postgres uses.
        for signal in [1, 2, 3, 10, 12, 14, 15, 17, 23] {
            assert!(
                blocked & (1 << (signal - 1)) != 0,
                "signal {signal}: {status}"
            );
        }
    }
    assert!(others > 0, "the backend has no other thread");
    Ok(())
}

fn entries(process: &std::path::Path, folder: &str) -> Result<usize> {
    Ok(fs::read_dir(process.join(folder)).map_err(io)?.count())
}

fn io(source: std::io::Error) -> Error {
    Error::Io {
        path: "the test".into(),
        source,
    }
}
