//! The harness does what the other tests take for granted.

use std::thread;
use std::time::Duration;

use iasql_tests::{Cluster, ClusterOptions, Emulator, Error, Result, Service, Shutdown, elements};
use serde_json::json;

#[test]
fn a_session_returns_text_and_the_rows_of_the_last_query() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let mut session = database.connect()?;
    let rows = session.query(
        "SELECT 1 AS one; SELECT ARRAY[1,2] AS list, NULL AS nothing, 'x|y'::text AS text",
    )?;
    assert_eq!(rows.columns, ["list", "nothing", "text"]);
    assert_eq!(rows.lines(), ["{1,2}||x|y"]);
    assert_eq!(rows.rows[0][1], None);
    assert_eq!(
        session.execute(
            "CREATE TABLE t AS SELECT generate_series(1, 3) AS n; DELETE FROM t WHERE n > 1"
        )?,
        2
    );
    Ok(())
}

#[test]
fn a_session_keeps_notices_and_every_field_of_an_error() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let mut session = database.connect()?;
    session.query("DO $$ BEGIN RAISE WARNING 'careful' USING HINT = 'look'; END $$")?;
    let notices = session.take_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(
        (notices[0].severity.as_str(), notices[0].message.as_str()),
        ("WARNING", "careful")
    );
    assert_eq!(notices[0].hint, "look");
    assert!(session.take_notices().is_empty());

    let error = session.refusal(
        "DO $$ BEGIN RAISE 'no' USING ERRCODE = '23505', DETAIL = 'because', HINT = 'try yes'; END $$",
    )?;
    assert_eq!(
        (
            error.sqlstate.as_str(),
            error.message.as_str(),
            error.detail.as_str(),
            error.hint.as_str()
        ),
        ("23505", "no", "because", "try yes")
    );
    assert!(matches!(
        session.refusal("SELECT 1"),
        Err(Error::NotRefused { .. })
    ));
    Ok(())
}

#[test]
fn databases_of_one_server_are_apart() -> Result {
    let cluster = Cluster::shared()?;
    let (one, other) = (cluster.create_database()?, cluster.create_database()?);
    one.connect()?.query("CREATE TABLE only_here ()")?;
    assert_eq!(
        other.connect()?.refusal("TABLE only_here")?.sqlstate,
        "42P01"
    );
    Ok(())
}

#[test]
fn the_server_runs_from_the_private_copy_and_finds_the_extension_there() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let mut session = database.connect()?;
    let folders = session
        .query("SELECT setting FROM pg_config WHERE name IN ('BINDIR', 'PKGLIBDIR', 'SHAREDIR')")?;
    for folder in folders.column("setting")? {
        assert!(folder.starts_with("/var/tmp/iasql-"), "{folder}");
    }
    let known = session
        .query("SELECT default_version FROM pg_available_extensions WHERE name = 'iasql'")?;
    assert_eq!(known.scalar(), Some("0.1.0"));
    Ok(())
}

#[test]
fn committed_rows_survive_a_crash_and_the_server_can_be_started_again() -> Result {
    let cluster = Cluster::start_with(ClusterOptions::default().setting("work_mem", "5MB"))?;
    let database = cluster.create_database()?;
    let mut session = database.connect()?;
    assert_eq!(session.query("SHOW work_mem")?.scalar(), Some("5MB"));
    session.query("CREATE TABLE kept AS SELECT 1 AS n")?;
    session.query("BEGIN; INSERT INTO kept VALUES (2)")?;
    cluster.kill()?;
    assert!(matches!(
        session.query("SELECT 1"),
        Err(Error::Connection(_))
    ));
    cluster.start_again()?;
    assert_eq!(database.connect()?.query("TABLE kept")?.lines(), ["1"]);
    assert!(cluster.log()?.contains("automatic recovery in progress"));
    cluster.restart(Shutdown::Fast)?;
    assert!(!cluster.log()?.contains("automatic recovery in progress"));
    cluster.restart(Shutdown::Immediate)?;
    assert!(cluster.log()?.contains("automatic recovery in progress"));
    Ok(())
}

#[test]
fn a_killed_backend_takes_only_its_own_transaction_with_it() -> Result {
    let cluster = Cluster::start()?;
    let database = cluster.create_database()?;
    let mut session = database.connect()?;
    let pid = session.backend_pid()?;
    let asleep = thread::spawn(move || session.query("SELECT pg_sleep(60)"));
    thread::sleep(Duration::from_millis(100));
    cluster.crash(pid)?;
    assert!(matches!(asleep.join(), Ok(Err(Error::Connection(_)))));
    assert_eq!(database.connect()?.query("SELECT 1")?.scalar(), Some("1"));
    Ok(())
}

#[test]
fn a_standby_follows_and_refuses_writes() -> Result {
    let primary = Cluster::start()?;
    let database = primary.create_database()?;
    database
        .connect()?
        .query("CREATE TABLE t AS SELECT 7 AS n")?;
    let standby = primary.start_standby()?;
    let copy = iasql_tests::Database::existing(&standby, database.name());
    let mut session = copy.connect()?;
    assert_eq!(session.query("TABLE t")?.scalar(), Some("7"));
    assert_eq!(
        session.refusal("INSERT INTO t VALUES (8)")?.sqlstate,
        "25006"
    );
    Ok(())
}

#[test]
fn the_server_sees_nothing_of_the_environment_but_what_is_asked_for() -> Result {
    let cluster =
        Cluster::start_with(ClusterOptions::default().environment("AWS_PROFILE", "of-the-test"))?;
    let environment =
        std::fs::read(format!("/proc/{}/environ", cluster.postmaster()?)).map_err(|source| {
            Error::Io {
                path: "environ".into(),
                source,
            }
        })?;
    let environment = String::from_utf8_lossy(&environment).replace('\0', "\n");
    assert!(
        environment.contains("AWS_PROFILE=of-the-test\n"),
        "{environment}"
    );
    assert!(
        !environment.contains("RUST_BACKTRACE") && !environment.contains("CARGO"),
        "{environment}"
    );
    Ok(())
}

#[test]
fn each_emulator_is_a_fresh_account_of_one_test() -> Result {
    let names = |emulator: &Emulator| -> Result<Vec<String>> {
        let reply = emulator
            .cloud("us-east-2")
            .json(Service::Ecs, "ListClusters", &json!({}))?;
        let arns = reply["clusterArns"].as_array().cloned().unwrap_or_default();
        Ok(arns.iter().map(ToString::to_string).collect())
    };
    let emulator = Emulator::take()?;
    emulator.cloud("us-east-2").json(
        Service::Ecs,
        "CreateCluster",
        &json!({"clusterName": "mine"}),
    )?;
    assert_eq!(names(&emulator)?.len(), 1);

    let other = Emulator::take()?;
    assert_ne!(other.endpoint(), emulator.endpoint());
    assert!(names(&other)?.is_empty());

    drop(emulator);
    let reused = Emulator::take()?;
    assert!(names(&reused)?.is_empty());
    Ok(())
}

#[test]
fn the_emulator_knows_the_managed_policies_and_says_what_it_refuses() -> Result {
    let emulator = Emulator::take()?;
    let cloud = emulator.cloud("us-east-2");
    let identity = cloud.query(Service::Sts, "GetCallerIdentity", &[])?;
    assert_eq!(elements(&identity, "Account"), ["123456789012"]);
    let arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    let policy = cloud.query(Service::Iam, "GetPolicy", &[("PolicyArn", arn)])?;
    assert_eq!(
        elements(&policy, "PolicyName"),
        ["AmazonECSTaskExecutionRolePolicy"]
    );
    let refused = cloud.query(Service::Ec2, "DescribeVpcs", &[("VpcId.1", "vpc-00000000")]);
    assert!(
        matches!(refused, Err(Error::Refused { status: 400, body, .. }) if body.contains("InvalidVpcID.NotFound"))
    );
    Ok(())
}
