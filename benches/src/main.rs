//! The benchmarks of iasql: the cases, their goals, and peers measured beside them.
//!
//! `iasql-bench` runs every case, or those named, and writes `benches/RESULTS.md` when it has run all. It ends with a
//! failure when a goal is missed. `iasql-bench serve PORT KIND=COUNT …` only runs the load generator, to profile
//! against, and `iasql-bench plan ROWS` only plans once, to be profiled.

mod aws;
mod bench;
mod cases;
mod error;
mod peer;
mod report;
mod result;

use std::process::ExitCode;
use std::time::Duration;

use aws::{Kind, LoadGenerator, Pace, Sizes};
use bench::Bench;
use cases::CASES;
use error::{Error, Result};
use result::Finding;

/// How often each case runs.
const RUNS: usize = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == "serve" => serve(rest),
        Some((first, [rows])) if first == "plan" => cases::plan_once(rows),
        _ => measure(&arguments),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the cases of these names, or all; returns whether every goal is met.
fn measure(names: &[String]) -> Result<bool> {
    let runs = std::env::var("IASQL_BENCH_RUNS").ok();
    let bench = Bench::start(runs.and_then(|runs| runs.parse().ok()).unwrap_or(RUNS))?;
    let mut findings: Vec<Finding> = Vec::new();
    println!("{}", report::HEAD);
    for case in CASES {
        if !names.is_empty() && !names.iter().any(|name| name == case.name) {
            continue;
        }
        for finding in (case.run)(&bench)? {
            println!("{finding}");
            findings.push(finding);
        }
    }
    if names.is_empty() {
        report::write(&bench, &findings)?;
    }
    Ok(findings.iter().all(Finding::is_met))
}

fn serve(arguments: &[String]) -> Result<bool> {
    let (mut sizes, mut pace) = (Sizes::fresh(), Pace::default());
    for (name, value) in arguments
        .iter()
        .filter_map(|argument| argument.split_once('='))
    {
        let Ok(value) = value.parse() else { continue };
        if name == "latency" {
            pace = Pace::of(Duration::from_millis(value as u64));
        }
        for kind in Kind::ALL.into_iter().filter(|kind| kind.table() == name) {
            sizes = sizes.with(kind, value);
        }
    }
    let port = arguments.first().and_then(|port| port.parse().ok());
    let generator = LoadGenerator::start(port.unwrap_or(0), sizes, pace);
    println!("{}", generator.map_err(Error::io("127.0.0.1"))?.endpoint());
    loop {
        std::thread::park();
    }
}
