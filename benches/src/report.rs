//! `benches/RESULTS.md`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bench::Bench;
use crate::error::{Error, Result};
use crate::result::Finding;

/// The head of the table.
pub const HEAD: &str = "| case | goal | median | spread | verdict | |\n|---|---|---|---|---|---|";

/// Writes the results of a complete run.
pub fn write(bench: &Bench, findings: &[Finding]) -> Result {
    let build = std::env::var("IASQL_BUILD").unwrap_or_else(|_| "debug".to_owned());
    let rows: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let missed = findings.iter().filter(|finding| !finding.is_met()).count();
    let database = bench.cluster.maintenance_database();
    let postgres = database.connect()?.query("SHOW server_version")?;
    let text = format!(
        "# Results\n\n\
         Written by `make bench`. Everything runs on one machine: the client, Postgres, the load generator that plays \
         AWS, the peers.\n\n\
         | | |\n|---|---|\n| date | {date} |\n| commit | {commit} |\n| build | {build} |\n| machine | {cores} × {cpu}, \
         {memory} |\n| system | {kernel} |\n| PostgreSQL | {postgres} |\n| rustc | {rustc} |\n| boto3 | {boto3} |\n\
         | Ansible, with its collections | {ansible} |\n\
         | runs of each case | {runs} |\n\n\
         {count} rows, {missed} goals missed.\n\n{HEAD}\n{rows}\n",
        date = said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        commit = said("git", &["rev-parse", "--short", "HEAD"]),
        cores = said("nproc", &[]),
        cpu = said(
            "sh",
            &[
                "-c",
                "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1"
            ]
        ),
        memory = said(
            "sh",
            &[
                "-c",
                "awk '/MemTotal/ { printf \"%d GB\", $2 / 1e6 }' /proc/meminfo"
            ]
        ),
        kernel = said("uname", &["-sr"]),
        postgres = postgres.scalar().unwrap_or_default(),
        rustc = said("rustc", &["--version"]),
        boto3 = said(
            ".local/venv/bin/python",
            &["-c", "import boto3; print(boto3.__version__)"]
        ),
        ansible = said(
            ".local/ansible/bin/python",
            &[
                "-c",
                "from importlib.metadata import version; print(version('ansible'))"
            ]
        ),
        runs = bench.runs,
        count = findings.len(),
        rows = rows.join("\n"),
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    fs::write(&path, text).map_err(Error::io(path))
}

/// What a program prints; nothing where it cannot be run.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let printed = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&printed).trim().to_owned()
}
