//! The clients that people use reach the throw-away server: psql, Flyway, pg_dump.

use std::path::Path;

use iasql_tests::{Cluster, Migrations, Result};

fn migrations() -> Result<Migrations> {
    Migrations::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/flyway"))
}

#[test]
fn flyway_runs_migrations_with_their_placeholders() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let output = migrations()?.run_by_flyway(&database)?;
    assert!(output.success(), "{output}");
    assert!(
        output.stdout.contains("Successfully applied 2 migrations"),
        "{output}"
    );
    assert_eq!(
        database.connect()?.query("TABLE things")?.lines(),
        ["lamp|2"]
    );
    let again = migrations()?.run_by_flyway(&database)?;
    assert!(again.stdout.contains("No migration necessary"), "{again}");
    Ok(())
}

#[test]
fn psql_runs_the_same_files_with_the_same_values() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let output = migrations()?.run_by_psql(&database)?;
    assert!(output.success(), "{output}");
    assert_eq!(
        output.stdout,
        "CREATE TABLE\nBEGIN\nINSERT 0 1\nCOMMIT\nlamp|2\n"
    );
    Ok(())
}

#[test]
fn psql_stops_at_the_first_error_and_says_so() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let output = database.psql("SELECT 1; SELECT 1 / 0; SELECT 3;")?;
    assert_eq!((output.status, output.stdout.as_str()), (Some(3), "1\n"));
    assert!(output.stderr.contains("division by zero"), "{output}");
    Ok(())
}

#[test]
fn psql_takes_more_than_a_pipe_holds_both_ways() -> Result {
    let database = Cluster::shared()?.create_database()?;
    let line = "SELECT repeat('x', 1000);\n";
    let output = database.psql(&line.repeat(10_000))?;
    assert_eq!(
        (output.status, output.stdout.len()),
        (Some(0), 10_000 * 1_001)
    );
    Ok(())
}

#[test]
fn other_programs_find_the_database_too() -> Result {
    let database = Cluster::shared()?.create_database()?;
    database.psql("CREATE TABLE dumped (n int)")?;
    let dump = database.program("pg_dump", ["--schema-only"])?;
    assert!(dump.stdout.contains("CREATE TABLE public.dumped"), "{dump}");
    Ok(())
}
