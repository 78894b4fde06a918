//! Commands of the shell: some are run, the others must name what exists.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::aws;
use super::wrong::Wrong;
use crate::process::{Output, repository, run};
use crate::{Cloud, Cluster, Error};

/// Runs a block by the shell, told how to reach the server; returns what it printed.
pub(super) fn execute(cluster: &Cluster, block: &str) -> Result<Output, Error> {
    let psql = cluster.program("psql");
    let bin = psql.get_program().to_string_lossy().into_owned();
    let bin = bin.strip_suffix("/psql").unwrap_or_default();
    let flyway = repository().join(".local/flyway");
    let path = format!("{bin}:{}:/usr/local/bin:/usr/bin:/bin", flyway.display());
    run(Command::new("/bin/sh")
        .args(["-e", "-c", &format!("exec 2>&1\n{block}")])
        .current_dir(repository())
        .stdin(Stdio::null())
        .envs(
            psql.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", path))
}

/// Checks each command of a block.
pub(super) fn check(cloud: &Cloud, block: &str) -> Result<(), Wrong> {
    let joined = block.replace("\\\n", " ");
    let commands = joined
        .lines()
        .flat_map(|line| line.split(" && "))
        .map(|command| command.split(" # ").next().unwrap_or_default().trim())
        .filter(|command| !command.is_empty() && !command.starts_with('#'));
    for command in commands {
        check_command(cloud, command)?;
    }
    Ok(())
}

fn check_command(cloud: &Cloud, command: &str) -> Result<(), Wrong> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let no_such = |what: String| Wrong::NoSuch {
        what,
        command: command.to_owned(),
    };
    match words.as_slice() {
        ["make", targets @ ..] => {
            let makefile = text("Makefile")?;
            let is_target = |name: &&&str| {
                makefile
                    .lines()
                    .any(|line| line.starts_with(&format!("{name}:")))
            };
            let named = targets.iter().filter(|word| !word.contains('='));
            match named.clone().find(|name| !is_target(name)) {
                Some(name) => Err(no_such(format!("target {name}"))),
                None => Ok(()),
            }
        }
        ["cargo", arguments @ ..] => {
            let metadata = metadata()?;
            for pair in arguments.windows(2) {
                let known = match pair[0] {
                    "--package" | "-p" => names(&metadata, None),
                    "--test" => names(&metadata, Some("test")),
                    _ => continue,
                };
                if !known.contains(&pair[1]) {
                    return Err(no_such(format!("{} {}", pair[0], pair[1])));
                }
            }
            Ok(())
        }
        ["git", "clone", address, ..] => {
            match text("Cargo.toml")?.contains(&format!("\"{address}\"")) {
                true => Ok(()),
                false => Err(no_such(format!("repository {address}"))),
            }
        }
        ["cd", _] => Ok(()),
        ["aws", ..] => aws::call(cloud, command),
        [script, ..] if script.starts_with("scripts/") => match repository().join(script).is_file()
        {
            true => Ok(()),
            false => Err(no_such(format!("file {script}"))),
        },
        _ => Err(Wrong::UncheckedCommand {
            command: command.to_owned(),
        }),
    }
}

fn text(file: &str) -> Result<String, Error> {
    let path = repository().join(file);
    fs::read_to_string(&path).map_err(Error::io(path))
}

fn metadata() -> Result<Value, Error> {
    let output = run(Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(repository()))?;
    serde_json::from_str(&output.stdout).map_err(|_| Error::Malformed {
        what: "cargo's metadata",
        text: output.to_string(),
    })
}

/// The names of the packages, or of their targets of one kind.
fn names<'m>(metadata: &'m Value, kind: Option<&str>) -> Vec<&'m str> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    match kind {
        None => packages
            .filter_map(|package| package["name"].as_str())
            .collect(),
        Some(kind) => packages
            .flat_map(|package| package["targets"].as_array().into_iter().flatten())
            .filter(|target| target["kind"][0] == kind)
            .filter_map(|target| target["name"].as_str())
            .collect(),
    }
}
