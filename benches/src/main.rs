//! The benchmarks of iasql: the cases, their goals, and peers measured beside them.
//!
//! `iasql-bench` runs everything and writes `benches/RESULTS.md`; `iasql-bench serve PORT KIND=COUNT …` only runs the
//! load generator, to profile against.

mod aws;

use std::process::ExitCode;
use std::time::Duration;

use aws::{Kind, LoadGenerator, Pace, Sizes};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("serve") {
        return serve(arguments);
    }
    ExitCode::SUCCESS
}

fn serve(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let port = arguments.next().and_then(|port| port.parse().ok());
    let mut sizes = Sizes::fresh();
    let mut pace = Pace::default();
    for argument in arguments {
        let Some((name, value)) = argument.split_once('=') else {
            continue;
        };
        let Ok(value) = value.parse() else { continue };
        if name == "latency" {
            pace.latency = Duration::from_millis(value as u64);
        }
        for kind in Kind::ALL.into_iter().filter(|kind| kind.table() == name) {
            sizes = sizes.with(kind, value);
        }
    }
    match LoadGenerator::start(port.unwrap_or(0), sizes, pace) {
        Ok(generator) => {
            println!("{}", generator.endpoint());
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
