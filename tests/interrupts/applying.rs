//! A call that changes the cloud is let finish within a grace, nothing new is begun, and the next run goes on from there.

use super::{changes, end, hold, sqlstate, start};
use iasql_tests::proxy::{Action, Gate};
use iasql_tests::{Database, Error, Fixture, Result, Service, Signal, elements, wait_for};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

const ROWS: &str = "INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');
    INSERT INTO subnet (cidr_block, availability_zone, vpc_id)
    SELECT '10.1.0.0/24', 'us-east-2a', id FROM vpc WHERE cidr_block = '10.1.0.0/16'";
const APPLY: &str = "SELECT * FROM iasql_apply()";

/// An account and a database in which a VPC and a subnet in it are to be made.
fn prepared() -> Result<Fixture> {
    let fixture = Fixture::with(&["aws_vpc"])?;
    fixture.session()?.query(ROWS)?;
    fixture.proxy().forget_calls();
    Ok(fixture)
}

/// How many VPCs and subnets of ours there are.
fn made(fixture: &Fixture) -> Result<(usize, usize)> {
    let cloud = fixture.cloud();
    let vpcs = cloud.query(Service::Ec2, "DescribeVpcs", &[])?;
    let subnets = cloud.query(Service::Ec2, "DescribeSubnets", &[])?;
    let count = |xml: &str, block: &str| {
        let blocks = elements(xml, "cidrBlock");
        blocks.iter().filter(|found| **found == block).count()
    };
    // A VPC is listed with its address range twice.
    Ok((
        usize::from(count(&vpcs, "10.1.0.0/16") > 0) * elements(&vpcs, "vpcId").len(),
        count(&subnets, "10.1.0.0/24"),
    ))
}

/// Opens the gate, applies once more, and sees that each object is there once.
fn assert_the_next_apply_goes_on(fixture: &Fixture) -> Result {
    fixture.proxy().forward_all();
    let mut session = fixture.session()?;
    session.query(APPLY)?;
    // With the default VPC there are two.
    assert_eq!(made(fixture)?, (2, 1));
    assert!(session.query(APPLY)?.is_empty());
    Ok(())
}

#[test]
fn a_call_in_flight_is_let_finish_and_nothing_new_is_begun() -> Result {
    let fixture = prepared()?;
    let gate = hold(&fixture, "ec2:CreateVpc");
    let session = fixture.session()?;
    let cancel = session.cancel_token();
    let running = start(session, APPLY);
    gate.wait_until_reached()?;
    cancel.cancel_query(postgres::NoTls)?;
    thread::sleep(Duration::from_millis(500));
    assert!(!running.is_finished(), "the call was given up");
    gate.open();
    let opened = Instant::now();
    let (mut session, answer) = end(running);
    assert!(opened.elapsed() < Duration::from_secs(5));
    assert_eq!(sqlstate(answer), "57014");
    assert_eq!(changes(&fixture), ["ec2:CreateVpc"]);
    assert_eq!(made(&fixture)?, (2, 0));
    let rows = session.query("SELECT vpc_id FROM vpc WHERE cidr_block = '10.1.0.0/16'")?;
    assert_eq!(rows.rows, [[None]]);
    assert_the_next_apply_goes_on(&fixture)
}

#[test]
fn a_call_that_is_not_answered_within_the_grace_is_given_up_and_resolved_by_the_next_apply()
-> Result {
    let fixture = prepared()?;
    let gate = hold(&fixture, "ec2:CreateVpc");
    let mut session = fixture.session()?;
    session.query("SET iasql.cancel_grace = '400ms'")?;
    let cancel = session.cancel_token();
    let running = start(session, APPLY);
    gate.wait_until_reached()?;
    let asked = Instant::now();
    cancel.cancel_query(postgres::NoTls)?;
    let (_, answer) = end(running);
    let taken = asked.elapsed();
    let expected = Duration::from_millis(400)..Duration::from_millis(2_000);
    assert!(expected.contains(&taken), "{taken:?}");
    assert_eq!(sqlstate(answer), "57014");
    gate.open();
    wait_for(
        "the VPC that was asked for",
        Duration::from_secs(10),
        || Ok((made(&fixture)? == (2, 0)).then_some(())),
    )?;
    assert_the_next_apply_goes_on(&fixture)
}

#[test]
fn a_read_of_a_step_is_dropped_at_once() -> Result {
    let fixture = prepared()?;
    let gate = Gate::closed();
    let held = gate.clone();
    // The first of these is sent before there are steps.
    fixture.proxy().set_rule(move |call| match call.occurrence {
        2.. if call.name == "ec2:DescribeVpcs" => Action::HoldBefore(held.clone()),
        _ => Action::Forward,
    });
    let session = fixture.session()?;
    let cancel = session.cancel_token();
    let running = start(session, APPLY);
    gate.wait_until_reached()?;
    assert_eq!(changes(&fixture), ["ec2:CreateVpc"]);
    let asked = Instant::now();
    cancel.cancel_query(postgres::NoTls)?;
    let (_, answer) = end(running);
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(sqlstate(answer), "57014");
    gate.open();
    assert_the_next_apply_goes_on(&fixture)
}

#[test]
fn a_statement_timeout_and_a_termination_let_the_call_finish_too() -> Result {
    for how in ["timeout", "terminate"] {
        let fixture = prepared()?;
        let gate = hold(&fixture, "ec2:CreateVpc");
        let mut session = fixture.session()?;
        if how == "timeout" {
            session.query("SET statement_timeout = '2s'")?;
        }
        let pid = session.backend_pid()?;
        let running = start(session, APPLY);
        gate.wait_until_reached()?;
        if how == "terminate" {
            fixture
                .session()?
                .query(&format!("SELECT pg_terminate_backend({pid})"))?;
        } else {
            thread::sleep(Duration::from_millis(2_000));
        }
        thread::sleep(Duration::from_millis(500));
        assert!(!running.is_finished(), "{how}: the call was given up");
        gate.open();
        let (_, answer) = end(running);
        assert!(answer.is_err(), "{how}");
        assert_eq!(changes(&fixture), ["ec2:CreateVpc"], "{how}");
        assert_the_next_apply_goes_on(&fixture)?;
    }
    Ok(())
}

/// Starts psql with an apply and returns psql's process id once the call is held.
fn psql_applies(
    database: &Database<'_>,
    gate: &Gate,
    during: impl FnOnce(u32) -> Result,
) -> Result<iasql_tests::Output> {
    let note = std::env::temp_dir().join(format!("iasql-{}", database.name()));
    let script = format!(
        "SET client_connection_check_interval = '50ms';\n\\! echo $PPID > {}\n{APPLY};\n",
        note.display()
    );
    let output = thread::scope(|scope| {
        let psql = scope.spawn(|| database.psql(&script));
        gate.wait_until_reached()?;
        let text = fs::read_to_string(&note).unwrap_or_default();
        let pid = text.trim().parse().map_err(|_| Error::Malformed {
            what: "a process id",
            text,
        })?;
        during(pid)?;
        match psql.join() {
            Ok(output) => output,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let _ = fs::remove_file(&note);
    output
}

#[test]
fn ctrl_c_in_psql_cancels() -> Result {
    let fixture = prepared()?;
    let gate = hold(&fixture, "ec2:CreateVpc");
    let output = psql_applies(fixture.database(), &gate, |psql| {
        Signal::Int.send(psql)?;
        thread::sleep(Duration::from_millis(300));
        gate.open();
        Ok(())
    })?;
    assert!(
        output
            .stderr
            .contains("canceling statement due to user request"),
        "{output}"
    );
    assert_eq!(changes(&fixture), ["ec2:CreateVpc"]);
    assert_the_next_apply_goes_on(&fixture)
}

#[test]
fn a_client_that_is_gone_lets_the_call_finish_and_begins_nothing_new() -> Result {
    let fixture = prepared()?;
    let gate = hold(&fixture, "ec2:CreateVpc");
    let mut watcher = fixture.session()?;
    let applying = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%iasql_apply%'
                    AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    psql_applies(fixture.database(), &gate, |psql| {
        Signal::Kill.send(psql)?;
        thread::sleep(Duration::from_millis(700));
        assert_eq!(
            watcher.query(applying)?.scalar(),
            Some("1"),
            "the call was given up"
        );
        gate.open();
        Ok(())
    })?;
    wait_for("the backend to end", Duration::from_secs(5), || {
        Ok((watcher.query(applying)?.scalar() == Some("0")).then_some(()))
    })?;
    assert_eq!(changes(&fixture), ["ec2:CreateVpc"]);
    assert_the_next_apply_goes_on(&fixture)
}
