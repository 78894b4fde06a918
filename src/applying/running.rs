//! One run: AWS is called on its thread, while this one writes the journal and says what goes on.

use super::result::ended;
use crate::journal::{JournalError, JournalWriter, Starting};
use crate::pump::{self, Line, Message, OnInterrupt};
use crate::report::Problem;
use crate::world::Scene;
use crate::{settings, sql};
use async_trait::async_trait;
use iasql_aws::error::AwsError;
use iasql_aws::run::{Journal, JournalLost, Progress, Run};
use iasql_aws::session::Patience;
use iasql_engine::execute::Outcomes;
use iasql_engine::journal::Record;
use iasql_engine::plan::{Bindings, Step};
use pgrx::prelude::*;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Carries out the steps; `order` gets their positions as they end.
pub fn run(
    scene: &Scene,
    run_id: &str,
    journal: Option<Starting>,
    steps: Vec<Step>,
    bindings: Bindings,
    order: &mut Vec<usize>,
) -> Result<Outcomes<AwsError>, Problem> {
    let settings = scene.settings.clone();
    let owner = format!("{}/{run_id}", database());
    let patience = Patience {
        in_use: settings::wait_timeout(),
        ..Patience::default()
    };
    let titles: Vec<String> = steps.iter().map(title).collect();
    let mut scribe = Scribe::new(run_id, journal);
    let outcomes = pump::call(
        OnInterrupt::Finish {
            grace: settings::cancel_grace(),
        },
        move |sessions, line| {
            Box::pin(async move {
                let session = sessions.get(&settings).await;
                let journal = LineJournal(line.clone());
                let progress = |progress| line.say(Message::Progress(progress));
                let run = Run {
                    session,
                    bindings,
                    owner,
                    journal: &journal,
                    patience,
                    progress: &progress,
                    stop: line.stop.clone(),
                };
                iasql_aws::run::run(run, steps).await
            })
        },
        &mut |message| {
            match message {
                Message::Progress(Progress::Step(report)) => {
                    order.push(report.step);
                    let title = titles.get(report.step).map_or("", String::as_str);
                    let failed = if report.done { "" } else { " failed" };
                    notice!("{title}{failed} … {}/{}", report.ended, report.of);
                }
                Message::Progress(Progress::Waiting { step, what }) => {
                    let title = titles.get(step).map_or("", String::as_str);
                    notice!("{title} waits: {what}");
                }
                Message::News(_) => {}
                Message::Journal(records, durable) => {
                    // The run ends without it: then nobody waits for the answer.
                    let _ = durable.send(scribe.write(&records));
                }
            }
            Ok(())
        },
    )?;
    match scribe.end() {
        Ok(()) => Ok(outcomes),
        Err(error) => Err(Problem::JournalLost {
            steps: ended(&outcomes, order),
            error,
        }),
    }
}

/// Writes the journal of one run: opens it for the first records, and remembers why it could not.
struct Scribe<'a> {
    run_id: &'a str,
    starting: Option<Starting>,
    writer: Option<JournalWriter>,
    lost: Option<JournalError>,
    /// How long the run has waited for the journal.
    waited: Duration,
}

impl<'a> Scribe<'a> {
    fn new(run_id: &'a str, starting: Option<Starting>) -> Scribe<'a> {
        Scribe {
            run_id,
            starting,
            writer: None,
            lost: None,
            waited: Duration::ZERO,
        }
    }

    /// Whether the records are durable.
    fn write(&mut self, records: &[Record]) -> bool {
        let start = Instant::now();
        let written = match &mut self.writer {
            Some(writer) => writer.append(records),
            None => self
                .open()
                .and_then(|writer| self.writer.insert(writer).append(records)),
        };
        self.waited += start.elapsed();
        self.lost = written.err();
        self.lost.is_none()
    }

    /// What was in the way of a worker that was started while AWS was read may have gone since.
    fn open(&mut self) -> Result<JournalWriter, JournalError> {
        let early = self.starting.take().map(|early| early.ready(self.run_id));
        match early {
            Some(Ok(writer)) => Ok(writer),
            _ => Starting::new()?.ready(self.run_id),
        }
    }

    /// Deletes what is old enough, and says why the journal was lost.
    fn end(mut self) -> Result<(), JournalError> {
        if let Some(lost) = self.lost.take() {
            return Err(lost);
        }
        debug1!(
            "the journal took {} ms",
            self.waited.as_micros() as f64 / 1000.0
        );
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.prune(settings::journal_retention())
        {
            warning!("old records of the journal are still there: {error}");
        }
        Ok(())
    }
}

/// A step in a few words.
pub fn title(step: &Step) -> String {
    format!("{} {} {}", step.action, step.kind.table, step.name())
}

fn database() -> String {
    sql::value("SELECT pg_catalog.current_database()", &[]).unwrap_or_default()
}

/// Hands records to the backend, which writes them.
struct LineJournal(Line);

#[async_trait(?Send)]
impl Journal for LineJournal {
    async fn append(&self, records: Vec<Record>) -> Result<(), JournalLost> {
        let (durable, is_durable) = oneshot::channel();
        self.0.say(Message::Journal(records, durable));
        match is_durable.await {
            Ok(true) => Ok(()),
            _ => Err(JournalLost),
        }
    }
}
