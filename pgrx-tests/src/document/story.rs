//! Runs a document from its first block to its last.

use std::fs;

use super::compare::{is_quoted, same_output};
use super::parse::{Item, What, items};
use super::psql::Psql;
use super::shell;
use super::wrong::{Failure, Wrong};
use crate::process::repository;
use crate::{Cluster, Database, Emulator, Error, Result};

/// The ports of the emulator and of the server in the documents.
const EMULATOR: &str = ":5000";
const SERVER: &str = ":5432";
/// The database that a document begins in, and the region that it is about.
const DATABASE: &str = "mydb";
const REGION: &str = "us-east-2";

/// What came of a document.
#[derive(Debug, Default)]
pub struct Report {
    /// How many blocks were executed or compared.
    pub checked: usize,
    /// The blocks that were not, and why.
    pub skipped: Vec<String>,
    /// The blocks that are wrong.
    pub failures: Vec<Failure>,
}

/// Executes the document with this path below the root of the repository.
pub fn execute(document: &str) -> Result<Report> {
    let path = repository().join(document);
    let items = items(&fs::read_to_string(&path).map_err(Error::io(path))?);
    if items.is_empty() {
        return Ok(Report::default());
    }
    let mut story = Story {
        cluster: Cluster::start()?,
        emulator: Emulator::take()?,
        psql: None,
        other: None,
        last: Last::Nothing,
        report: Report::default(),
    };
    story.go_to(DATABASE)?;
    for Item { line, what } in items {
        if let Err(wrong) = story.tell(what, &format!("{document}:{line}")) {
            story.last = Last::Skipped;
            story.report.failures.push(Failure {
                document: document.to_owned(),
                line,
                wrong,
            });
        }
    }
    Ok(story.report)
}

struct Story {
    cluster: Cluster,
    emulator: Emulator,
    psql: Option<Psql>,
    /// Another session in the same database.
    other: Option<Psql>,
    last: Last,
    report: Report,
}

/// What came of the last block, for the block that shows its output.
enum Last {
    /// Nothing that could be shown.
    Nothing,
    /// It was not executed, or failed.
    Skipped,
    /// It printed this.
    Printed(Vec<String>),
}

impl Story {
    fn tell(&mut self, what: What, place: &str) -> Result<(), Wrong> {
        let (language, text, instruction) = match what {
            What::Database(name) => return Ok(self.go_to(&name)?),
            What::Block {
                language,
                text,
                instruction,
            } => (language, text, instruction.unwrap_or_default()),
        };
        let (verb, rest) = instruction.split_once(' ').unwrap_or((&instruction, ""));
        match (verb, language.as_str(), &self.last) {
            ("skip", _, _) if !rest.is_empty() => {
                self.last = Last::Skipped;
                self.report.skipped.push(format!("{place}: {rest}"));
                return Ok(());
            }
            ("from", _, _) => quoted(&text, rest)?,
            ("" | "fails", "sql", _) => self.run_sql(&text, rest)?,
            ("run", "sh", _) => self.run_shell(&text)?,
            ("", "sh", _) => {
                shell::check(&self.emulator.cloud(REGION), &text)?;
                self.last = Last::Nothing;
            }
            ("", "text", Last::Printed(lines)) => {
                let same = same_output(&text, lines);
                let output = lines.join("\n");
                self.last = Last::Nothing;
                if !same {
                    return Err(Wrong::OtherOutput { output });
                }
            }
            ("", "text", Last::Skipped) => return Ok(()),
            ("", _, _) => return Err(Wrong::Unchecked { language }),
            _ => {
                return Err(Wrong::Comment {
                    comment: instruction,
                });
            }
        }
        self.report.checked += 1;
        Ok(())
    }

    fn go_to(&mut self, name: &str) -> Result {
        let mut session = self.cluster.maintenance_database().connect()?;
        let known = session.query(&format!("SELECT FROM pg_database WHERE datname = '{name}'"))?;
        if known.is_empty() {
            session.query(&format!("CREATE DATABASE {name}"))?;
        }
        let database = Database::existing(&self.cluster, name);
        self.psql = Some(Psql::open(&database)?);
        self.other = Some(Psql::open(&database)?);
        Ok(())
    }

    fn run_sql(&mut self, statements: &str, expected: &str) -> Result<(), Wrong> {
        if !statements.trim_end().ends_with(';') && !statements.starts_with('\\') {
            return Err(Wrong::Unfinished);
        }
        let (expected, session) = match expected.strip_suffix(" in another session") {
            Some(expected) => (expected, &mut self.other),
            None => (expected, &mut self.psql),
        };
        let psql = session.as_mut().ok_or(Error::Closed { what: "psql" })?;
        let port = self
            .emulator
            .endpoint()
            .trim_start_matches("http://127.0.0.1");
        let answer = psql.run(&statements.replace(EMULATOR, port))?;
        let printed = |line: &String| line.replace(port, EMULATOR);
        let lines: Vec<String> = answer.lines.iter().map(printed).collect();
        let output = lines.join("\n");
        match (expected, answer.sqlstate.as_str()) {
            ("", "00000") => {}
            ("", _) => return Err(Wrong::Refused { output }),
            (expected, found) if expected != found => {
                return Err(Wrong::OtherSqlstate {
                    expected: expected.to_owned(),
                    found: found.to_owned(),
                    output,
                });
            }
            _ => {}
        }
        self.last = Last::Printed(lines);
        Ok(())
    }

    fn run_shell(&mut self, block: &str) -> Result<(), Wrong> {
        let server = format!(":{}", self.cluster.port());
        let output = shell::execute(&self.cluster, &block.replace(SERVER, &server))?;
        if !output.success() {
            return Err(Wrong::Refused {
                output: output.to_string(),
            });
        }
        self.last = Last::Printed(output.stdout.lines().map(str::to_owned).collect());
        Ok(())
    }
}

fn quoted(quotation: &str, file: &str) -> Result<(), Wrong> {
    let path = repository().join(file);
    let text = fs::read_to_string(&path).map_err(Error::io(path))?;
    match is_quoted(quotation, &text) {
        true => Ok(()),
        false => Err(Wrong::NotQuoted {
            file: file.to_owned(),
        }),
    }
}
