//! Many runs of one kind, side by side, and the table of how they ended.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::{Error, Result, UPDATES};

/// Whether every run is wanted (`make test-full`), or a sample that fits continuous integration (`make test`).
pub fn is_full() -> bool {
    std::env::var("IASQL_FULL").is_ok_and(|value| value == "1") || alone().is_some()
}

/// A part of the names of the only cases to run: what a failure begins with, for one case alone.
fn alone() -> Option<String> {
    std::env::var("IASQL_CASE").ok()
}

/// The cases to run, and what is left out.
#[derive(Debug)]
pub struct Cases<C> {
    groups: Vec<Vec<C>>,
    of: usize,
    left_out: Vec<&'static str>,
}

impl<C> Default for Cases<C> {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            of: 0,
            left_out: Vec::new(),
        }
    }
}

impl<C: Display> Cases<C> {
    /// Adds the cases of an edit and of the edit that undoes it, in turns: each leaves what the other begins with.
    pub fn add(&mut self, there: Vec<C>, back: Vec<C>) {
        self.of += there.len() + back.len();
        let longer = there.len().max(back.len());
        let (mut there, mut back) = (there.into_iter(), back.into_iter());
        let pairs = (0..longer).map(|_| there.next().into_iter().chain(back.next()).collect());
        self.groups.extend(pairs);
    }

    /// Notes, where not everything is run, that only these updates are.
    pub fn sample_updates(&mut self, sampled: &[&str]) {
        let names = UPDATES.iter().map(|update| update.name);
        self.left_out = names
            .filter(|name| !is_full() && !sampled.contains(name))
            .collect();
    }

    /// Where not everything is run, keeps one case of each sort; cases without a sort are left out. One sort's case is
    /// taken from where the last one's was not, so that the calls differ.
    pub fn sample<S: Ord>(&mut self, sort: impl Fn(&C) -> Option<S>) {
        if is_full() {
            return;
        }
        let mut sorts: BTreeMap<S, Vec<C>> = BTreeMap::new();
        for case in std::mem::take(&mut self.groups).into_iter().flatten() {
            if let Some(sort) = sort(&case) {
                sorts.entry(sort).or_default().push(case);
            }
        }
        let chosen = sorts.into_values().enumerate().map(|(number, mut cases)| {
            let at = number * 7 % cases.len();
            vec![cases.swap_remove(at)]
        });
        self.groups = chosen.collect();
    }

    /// Where some cases are to run alone, leaves out the others.
    fn leave_alone(&mut self, place: impl Fn(&C) -> Place) {
        let Some(part) = alone() else {
            return;
        };
        for group in &mut self.groups {
            group.retain(|case| name(&place(case), case).contains(&part));
        }
    }

    /// What is not run, in words.
    fn not_run(&self) -> String {
        let runs: usize = self.groups.iter().map(Vec::len).sum();
        let left_out = match self.left_out.as_slice() {
            [] => String::new(),
            updates => format!(", and all of the updates of {}", updates.join(", ")),
        };
        match self.of - runs {
            0 => String::new(),
            not_run => format!(
                "not run: {not_run} of {}{left_out}; make test-full runs them\n",
                self.of
            ),
        }
    }
}

/// Where a run is counted: the row and the column of the table.
pub type Place = (String, String);

/// What a case is called where it fails.
fn name((row, column): &Place, case: &impl Display) -> String {
    format!("{row}, {column}: {case}")
}

/// What is done to all cases: how many, and the failures.
#[derive(Debug, Default)]
struct Tally {
    runs: BTreeMap<String, BTreeMap<String, Count>>,
    failures: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    runs: usize,
    failures: usize,
}

/// Runs all cases, those of a group one after another, `workers` groups at a time, each worker in a world of its own. A
/// world in which a run failed is left for a fresh one. At the end the table is printed and kept in
/// `target/runs/TITLE.md`, and every failure is an error.
pub fn run_all<C: Display + Send, W: Send>(
    title: &str,
    workers: usize,
    mut cases: Cases<C>,
    place: impl Fn(&C) -> Place + Sync,
    start: impl Fn() -> Result<W> + Sync,
    run: impl Fn(&mut W, &C) -> Result + Sync,
) -> Result {
    let started = Instant::now();
    cases.leave_alone(&place);
    let not_run = cases.not_run();
    let queue = Mutex::new(VecDeque::from(cases.groups));
    let tally = Mutex::new(Tally::default());
    let work = || -> Result {
        let mut world = None;
        loop {
            // A statement of its own: the lock is not held while the group runs.
            let group = lock(&queue).pop_front();
            let Some(group) = group else {
                return Ok(());
            };
            for case in group {
                let own = match &mut world {
                    Some(own) => own,
                    None => world.insert(start()?),
                };
                let outcome = run(own, &case);
                if outcome.is_err() {
                    world = None;
                }
                lock(&tally).count(place(&case), &case, outcome);
            }
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|panic| {
                // An assertion of a run: the other workers have ended by themselves.
                std::panic::resume_unwind(panic)
            })
        })
    })?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.publish(title, started, &not_run)?;
    match tally.failures.is_empty() {
        true => Ok(()),
        false => Err(Error::Broken {
            promise: tally.failures.join("\n"),
        }),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    fn count(&mut self, place: Place, case: &impl Display, outcome: Result) {
        let name = name(&place, case);
        let (row, column) = place;
        let count = self.runs.entry(row).or_default().entry(column).or_default();
        count.runs += 1;
        if let Err(error) = outcome {
            count.failures += 1;
            let failure = format!("{name}: {error}");
            say(&format!("FAILED {failure}\n"));
            self.failures.push(failure);
        }
    }

    fn publish(&self, title: &str, started: Instant, not_run: &str) -> Result {
        let table = format!("{}{not_run}", self.table(title, started));
        say(&table);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/runs");
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let path = folder.join(format!("{}.md", title.replace(' ', "_")));
        std::fs::write(&path, table).map_err(Error::io(path))
    }

    /// A Markdown table: a cell says how many runs there were and, where there are some, how many failed.
    fn table(&self, title: &str, started: Instant) -> String {
        let columns: std::collections::BTreeSet<&String> =
            self.runs.values().flat_map(BTreeMap::keys).collect();
        let mut table = format!("\n{title}: ");
        let counts = self.runs.values().flat_map(BTreeMap::values);
        let (runs, failures) = counts.fold((0, 0), |(runs, failures), count| {
            (runs + count.runs, failures + count.failures)
        });
        let size = match (alone(), is_full()) {
            (Some(_), _) => "chosen by name",
            (None, true) => "all",
            (None, false) => "a sample",
        };
        let seconds = started.elapsed().as_secs();
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "{runs} runs ({size}), {failures} failures, {seconds} s\n"
        );
        let _ = writeln!(
            table,
            "| |{}",
            columns
                .iter()
                .map(|name| format!(" {name} |"))
                .collect::<String>()
        );
        let _ = writeln!(table, "|---|{}", "---:|".repeat(columns.len()));
        for (row, cells) in &self.runs {
            let cells: String = columns
                .iter()
                .map(|column| match cells.get(*column) {
                    None => " |".to_owned(),
                    Some(Count { runs, failures: 0 }) => format!(" {runs} |"),
                    Some(Count { runs, failures }) => format!(" {runs}, {failures} failed |"),
                })
                .collect();
            let _ = writeln!(table, "| {row} |{cells}");
        }
        table
    }
}

/// Past the capture of the test runner, which shows what a test prints only when it fails.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
