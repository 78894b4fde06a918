//! Runs a plan: drives the engine's executor with real calls, real time and a real journal.

use crate::error::{AwsError, found};
use crate::resource::{Changed, Reader, Resource};
use crate::session::{Patience, Session};
use crate::writer::{Message, Stop, Writer};
use async_trait::async_trait;
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use iasql_engine::execute::{CallFailure, Command, Event, Executor, Made, Outcomes, Report, Task};
use iasql_engine::journal::Record;
use iasql_engine::kind::Repeat;
use iasql_engine::plan::{Bindings, Step, Work, can_be_made_for};
use iasql_engine::{Object, Row};
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::{mpsc, oneshot, watch};

/// Where records are made durable.
#[async_trait(?Send)]
pub trait Journal {
    /// Makes the records durable, in this order and together. Without it no call leaves.
    async fn append(&self, records: Vec<Record>) -> Result<(), JournalLost>;
}

/// The journal cannot be written any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written")]
pub struct JournalLost;

/// What the user is told while a run goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A step has ended.
    Step(Report),
    /// A step waits for AWS.
    Waiting {
        /// The step.
        step: usize,
        /// For what.
        what: String,
    },
}

/// What a run needs besides its steps.
pub struct Run<'a> {
    /// The account.
    pub session: Rc<Session>,
    /// The rows that stand for objects already.
    pub bindings: Bindings,
    /// What owner tags begin with: it names the database and the run.
    pub owner: String,
    /// The journal.
    pub journal: &'a dyn Journal,
    /// How long to wait for what.
    pub patience: Patience,
    /// Told what happens.
    pub progress: &'a dyn Fn(Progress),
    /// Whether to stop.
    pub stop: Stop,
}

type Tasks<'a> = FuturesUnordered<LocalBoxFuture<'a, (usize, Result<Made, AwsError>)>>;

/// Runs the steps to their end: done, failed, or not tried.
pub async fn run(mut run: Run<'_>, steps: Vec<Step>) -> Outcomes<AwsError> {
    let (sender, mut messages) = mpsc::unbounded_channel();
    let bindings = std::mem::take(&mut run.bindings);
    let mut executor = Executor::new(steps, bindings, run.owner.clone());
    let mut tasks = Tasks::new();
    let mut leaving: HashMap<usize, oneshot::Sender<bool>> = HashMap::new();
    let mut writes: FuturesUnordered<LocalBoxFuture<'_, Result<(), JournalLost>>> =
        FuturesUnordered::new();
    let mut stop = run.stop.clone();
    let mut stopped = false;
    // What the steps are told: without a journal they stop too.
    let (halt, halted) = watch::channel(false);
    let mut commands = executor.start();
    loop {
        for command in commands {
            match command {
                Command::Start { step, task } => {
                    let stop = Stop::new(halted.clone());
                    let writer = writer(&run, &task, step, &sender, stop);
                    tasks.push(Box::pin(
                        async move { (step, perform(writer, *task).await) },
                    ));
                }
                Command::Send { step } => answer(&mut leaving, step, true),
                Command::Forbid { step } => answer(&mut leaving, step, false),
                Command::Journal(records) => writes.push(run.journal.append(records)),
                Command::Report(report) => (run.progress)(Progress::Step(report)),
            }
        }
        if executor.is_over() {
            run.session.seen().forget();
            return executor.outcomes();
        }
        commands = tokio::select! {
            Some(message) = messages.recv() => match event(message, &mut leaving, run.progress) {
                Some(event) => executor.on(event),
                None => Vec::new(),
            },
            Some(written) = writes.next() => executor.on(match written {
                Ok(()) => Event::Journaled,
                Err(JournalLost) => {
                    halt.send_replace(true);
                    Event::JournalLost
                }
            }),
            Some((step, result)) = tasks.next() => {
                if let Ok(Made { object: Some(object), .. }) = &result {
                    run.session.seen().keep_made(object);
                }
                // What a step's code said while it ran comes before its end.
                let mut commands = Vec::new();
                while let Ok(message) = messages.try_recv() {
                    let event = event(message, &mut leaving, run.progress);
                    commands.extend(event.into_iter().flat_map(|event| executor.on(event)));
                }
                commands.extend(executor.on(Event::Finished { step, result }));
                commands
            }
            () = stop.requested(), if !stopped => {
                stopped = true;
                halt.send_replace(true);
                executor.on(Event::Cancel)
            }
        };
    }
}

fn answer(leaving: &mut HashMap<usize, oneshot::Sender<bool>>, step: usize, may_leave: bool) {
    if let Some(leave) = leaving.remove(&step) {
        // The step's code listens until it is answered.
        let _ = leave.send(may_leave);
    }
}

fn event(
    message: Message,
    leaving: &mut HashMap<usize, oneshot::Sender<bool>>,
    progress: &dyn Fn(Progress),
) -> Option<Event<AwsError>> {
    match message {
        Message::Begin {
            step,
            operation,
            leave,
        } => {
            leaving.insert(step, leave);
            Some(Event::Intends {
                step,
                operation: operation.to_string(),
            })
        }
        Message::Answer {
            step,
            operation,
            made,
            outcome,
        } => Some(Event::Answered {
            step,
            operation: operation.to_string(),
            made,
            outcome: outcome.map_err(|error| CallFailure {
                ambiguous: error.class.is_ambiguous(),
                request_id: error.request_id.clone(),
                error,
            }),
        }),
        Message::Waiting { step, what } => {
            progress(Progress::Waiting { step, what });
            None
        }
    }
}

fn writer(
    run: &Run<'_>,
    task: &Task,
    step: usize,
    messages: &mpsc::UnboundedSender<Message>,
    stop: Stop,
) -> Writer {
    Writer {
        reader: Reader::new(run.session.access(&task.region).stoppable(stop.clone())),
        kind: task.kind,
        step,
        owner_tag: task.owner_tag.clone(),
        replaces: match task.work {
            Work::Create => task.object.clone(),
            _ => None,
        },
        patience: run.patience,
        stop,
        messages: messages.clone(),
        companions: Default::default(),
    }
}

async fn perform(writer: Writer, task: Task) -> Result<Made, AwsError> {
    let Some(resource) = crate::resource(task.kind.table) else {
        return Ok(Made::default());
    };
    match (task.work, task.row, task.object) {
        (Work::Create, Some(row), _) => {
            let object = create(resource, &writer, &row).await?;
            Ok(Made {
                object: Some(object),
                companions: writer.companions.take(),
            })
        }
        (Work::Finish, Some(row), Some(object)) => {
            resource.finish(&writer, &object, &row).await?;
            Ok(Made {
                object: None,
                companions: writer.companions.take(),
            })
        }
        (Work::Update, Some(row), Some(object)) => {
            let changed = Changed::new(task.changed);
            resource.update(&writer, &object, &row, &changed).await?;
            Ok(Made::default())
        }
        (Work::Delete, _, Some(object)) => {
            delete(resource, &writer, &object).await?;
            Ok(Made::default())
        }
        _ => Ok(Made::default()),
    }
}

/// Deletes the object.
async fn delete(
    resource: &'static dyn Resource,
    writer: &Writer,
    object: &Object,
) -> Result<(), AwsError> {
    let delete = async || resource.delete(writer, object).await;
    let is_seen = async || {
        let seen = resource.describe(writer.reader(), &object.id).await;
        Ok(found(resource.kind(), seen)?.flatten().is_some())
    };
    writer.take_away(delete, is_seen).await
}

/// Makes the object. A create that was not answered is not sent again before it has been looked for.
async fn create(
    resource: &'static dyn Resource,
    writer: &Writer,
    row: &Row,
) -> Result<Object, AwsError> {
    let mut error = match resource.create(writer, row).await {
        Err(error) if error.class.is_ambiguous() => error,
        result => return result,
    };
    for _ in 0..LOOKS {
        if writer.stop.within(LOOK_PAUSE).await {
            return Err(error);
        }
        let mut found = look(resource, writer, row).await?;
        if found.is_none() && resource.kind().repeat == Repeat::OwnerTag {
            // Lists lag behind. Without a name that AWS keeps unique, a second create would be a second object.
            if writer.waits_for_lists().await {
                return Err(error);
            }
            found = look(resource, writer, row).await?;
        }
        match found {
            Some(object) => {
                resource.finish(writer, &object, row).await?;
                return Ok(object);
            }
            None => match resource.create(writer, row).await {
                Err(again) if again.class.is_ambiguous() => error = again,
                result => return result,
            },
        }
    }
    Err(error)
}

/// How often a create that is not answered is looked for and tried again.
const LOOKS: u32 = 3;
const LOOK_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// The object of a create that was not answered: by its owner tag, else by its natural key. What has the name and cannot
/// have been made by this create is another's: sent again, the create is refused with AWS's own words.
async fn look(
    resource: &'static dyn Resource,
    writer: &Writer,
    row: &Row,
) -> Result<Option<Object>, AwsError> {
    let reader = Reader::new((**writer).clone());
    let objects = reader.objects(resource).await?;
    let found = objects.iter().find(|object| match writer.owner_tag() {
        Some(tag) => object.owner_tag.as_deref() == Some(tag),
        None => can_be_made_for(row, &object.row),
    });
    Ok(found.cloned())
}
