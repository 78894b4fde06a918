//! Applies a plan: the checks before the first call, the run, and what is written back.

use crate::journal::{JournalError, JournalWriter};
use crate::locks::hold_rows;
use crate::pump::{self, Line, Message, OnInterrupt};
use crate::report::{FailedRun, Problem, aws_hint, notice_text};
use crate::store;
use crate::tables::Table;
use crate::world::{self, Scene};
use crate::write::{self, NewRow, Whole};
use crate::{connection, settings, sql};
use async_trait::async_trait;
use iasql_aws::error::AwsError;
use iasql_aws::run::{Journal, JournalLost, Progress, Run};
use iasql_aws::session::Patience;
use iasql_engine::execute::{Outcome, Outcomes};
use iasql_engine::journal::Record;
use iasql_engine::object::Owner;
use iasql_engine::plan::{Desired, Plan, Step, Work, WriteBack, settle};
use iasql_engine::{CloudId, Known, Object, Region, Row, RowKey, Value};
use pgrx::prelude::*;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio::sync::oneshot;

/// What was done, in the order in which it happened.
pub type Done = Vec<(String, &'static str, Option<i64>, String)>;

/// Says what the user should know, and refuses a plan that cannot be applied.
pub fn announce(plan: &mut Plan) -> Result<(), Problem> {
    for notice in &plan.notices {
        notice!("{}", notice_text(notice));
    }
    match plan.refusals.is_empty() {
        true => Ok(()),
        false => Err(Problem::Refused {
            refusals: std::mem::take(&mut plan.refusals),
        }),
    }
}

/// Applies the plan.
pub fn apply(scene: &Scene, mut plan: Plan, planned: &[Desired]) -> Result<Done, Problem> {
    announce(&mut plan)?;
    check_privileges(scene, &plan)?;
    hold_rows(scene, planned, &rows_of(&plan))?;
    restore(scene, &plan);
    write_back(scene, &plan.effects.write_back);
    store::forget_known(&plan.effects.forget);
    let agreed: Vec<_> = plan
        .effects
        .agree
        .iter()
        .map(|(key, known)| (*key, known, None))
        .collect();
    store::write_known(&agreed);
    store::resolve(&plan.effects.resolved);
    let steps = std::mem::take(&mut plan.steps);
    if steps.is_empty() {
        return Ok(Done::new());
    }
    let run_id = world::run_id();
    let mut order = Vec::new();
    let outcomes = run(scene, &run_id, steps, &mut order)?;
    settle_all(scene, &run_id, &outcomes);
    import_companions(scene, &outcomes)?;
    // An interrupt that came while the last calls ended is served now that their outcome is written.
    pgrx::check_for_interrupts!();
    report(&outcomes, &order)
}

/// Every privilege that the write-back needs, before the first call.
fn check_privileges(scene: &Scene, plan: &Plan) -> Result<(), Problem> {
    let tables: BTreeSet<&'static str> = plan
        .steps
        .iter()
        .filter(|step| step.row.is_some())
        .map(|step| step.kind.table)
        .collect();
    for table in tables.iter().filter_map(|table| scene.table(table)) {
        let may = sql::value(
            "SELECT pg_catalog.has_table_privilege($1::pg_catalog.regclass, 'UPDATE')",
            &[Some(&table.name)],
        );
        if may.as_deref() != Some("t") {
            return Err(Problem::TableDenied {
                table: table.kind.table,
                privilege: "UPDATE",
                user: connection::current_user(),
            });
        }
    }
    Ok(())
}

/// The rows that the plan is about.
fn rows_of(plan: &Plan) -> BTreeSet<RowKey> {
    let steps = plan.steps.iter().filter(|step| step.row.is_some());
    let effects = &plan.effects;
    steps
        .map(|step| step.key)
        .chain(effects.write_back.iter().map(|value| value.key))
        .chain(effects.agree.iter().map(|(key, _)| *key))
        .collect()
}

/// Puts rows back whose objects cannot be deleted.
fn restore(scene: &Scene, plan: &Plan) {
    for table in scene.wholes() {
        let rows: Vec<(RowKey, &Object, Row)> = plan
            .effects
            .restore
            .iter()
            .filter(|(key, _)| key.table == table.kind.table)
            .map(|(key, object)| (*key, object, as_written(scene, &object.row, &object.region)))
            .collect();
        let new: Vec<NewRow<'_>> = rows
            .iter()
            .map(|(key, object, row)| NewRow {
                id: key.id,
                region: &object.region,
                protected: false,
                row,
            })
            .collect();
        write::insert(table, &new);
    }
}

fn run(
    scene: &Scene,
    run_id: &str,
    steps: Vec<Step>,
    order: &mut Vec<usize>,
) -> Result<Outcomes<AwsError>, Problem> {
    let settings = scene.settings.clone();
    let owner = format!("{}/{run_id}", database());
    let patience = Patience {
        in_use: settings::wait_timeout(),
        ..Patience::default()
    };
    let titles: Vec<String> = steps.iter().map(title).collect();
    let mut scribe = Scribe::new(run_id);
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
                    owner,
                    journal: &journal,
                    patience,
                    progress: &progress,
                    stop: line.stop.clone(),
                };
                iasql_aws::run::run(run, steps).await
            })
        },
        &mut |message| match message {
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
            Message::Journal(records, durable) => {
                // The run ends without it: then nobody waits for the answer.
                let _ = durable.send(scribe.write(&records));
            }
        },
    )?;
    scribe.end()?;
    Ok(outcomes)
}

/// Writes the journal of one run: opens it for the first records, and remembers why it could not.
struct Scribe<'a> {
    run_id: &'a str,
    writer: Option<JournalWriter>,
    lost: Option<JournalError>,
}

impl<'a> Scribe<'a> {
    fn new(run_id: &'a str) -> Scribe<'a> {
        Scribe {
            run_id,
            writer: None,
            lost: None,
        }
    }

    /// Whether the records are durable.
    fn write(&mut self, records: &[Record]) -> bool {
        let written = match &mut self.writer {
            Some(writer) => writer.append(records),
            None => JournalWriter::open(self.run_id)
                .and_then(|writer| self.writer.insert(writer).append(records)),
        };
        self.lost = written.err();
        self.lost.is_none()
    }

    /// Deletes what is old enough, and says why the journal was lost.
    fn end(mut self) -> Result<(), Problem> {
        if let Some(lost) = self.lost.take() {
            return Err(lost.into());
        }
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.prune(settings::journal_retention())
        {
            warning!("old records of the journal are still there: {error}");
        }
        Ok(())
    }
}

fn title(step: &Step) -> String {
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

/// Writes what the steps that are done have agreed on, and what their rows are told.
fn settle_all(scene: &Scene, run_id: &str, outcomes: &Outcomes<AwsError>) {
    let mut known: Vec<(RowKey, Known, usize)> = Vec::new();
    let mut values = Vec::new();
    let mut forgotten = Vec::new();
    let mut finished = Vec::new();
    for (position, (step, outcome)) in outcomes.steps.iter().zip(&outcomes.outcomes).enumerate() {
        if let (Outcome::Done(_), Ok(number)) = (outcome, u32::try_from(position)) {
            finished.push((run_id.to_owned(), number));
        }
        match (step.work, outcome, &step.row) {
            (Work::Delete, Outcome::Done(_), _) if step.shown => forgotten.push(step.key),
            (_, Outcome::Done(Some(object)), Some(row)) => {
                values.extend(settle(step.key, row, &object.row));
                let agreed = Known {
                    region: object.region.clone(),
                    id: object.id.clone(),
                    row: object.row.clone(),
                    owned: step.owned.clone(),
                    made: step.made,
                    protected: step.protected,
                    account_owned: object.owner == Owner::Account,
                };
                known.push((step.key, agreed, position));
            }
            _ => {}
        }
    }
    store::forget_known(&forgotten);
    store::resolve(&finished);
    let agreed: Vec<_> = known
        .iter()
        .map(|(key, known, step)| (*key, known, Some((run_id, *step))))
        .collect();
    store::write_known(&agreed);
    write_back(scene, &values);
}

/// Gives rows to what AWS made along with our objects.
fn import_companions(scene: &Scene, outcomes: &Outcomes<AwsError>) -> Result<(), Problem> {
    for table in scene.wholes() {
        let objects: Vec<&Object> = outcomes
            .imported
            .iter()
            .filter(|object| object.kind() == table.kind)
            .collect();
        let rows: Vec<Row> = objects
            .iter()
            .map(|object| as_written(scene, &object.row, &object.region))
            .collect();
        let ids = write::new_ids(table, objects.len());
        let new: Vec<NewRow<'_>> = rows
            .iter()
            .zip(&objects)
            .zip(&ids)
            .map(|((row, object), id)| NewRow {
                id: *id,
                region: &object.region,
                protected: false,
                row,
            })
            .collect();
        write::insert(table, &new);
        let known: Vec<(RowKey, Known)> = objects
            .iter()
            .zip(&ids)
            .map(|(object, id)| {
                let key = RowKey {
                    table: table.kind.table,
                    id: *id,
                };
                let known = Known {
                    region: object.region.clone(),
                    id: object.id.clone(),
                    row: object.row.clone(),
                    owned: BTreeSet::new(),
                    made: false,
                    protected: false,
                    account_owned: object.owner == Owner::Account,
                };
                (key, known)
            })
            .collect();
        let agreed: Vec<_> = known
            .iter()
            .map(|(key, known)| (*key, known, None))
            .collect();
        store::write_known(&agreed);
    }
    Ok(())
}

/// Writes values into rows. References hold cloud ids; the rows that stand for those objects are looked up.
fn write_back(scene: &Scene, values: &[WriteBack]) {
    let mut rows: BTreeMap<&'static str, BTreeMap<i64, Map<String, Json>>> = BTreeMap::new();
    let mut parts = Vec::new();
    let mut ids = Ids::new(scene);
    for value in values {
        let Some(table) = scene.table(value.key.table) else {
            continue;
        };
        let Some(column) = table.kind.column(value.column) else {
            continue;
        };
        if let Value::Parts(rows) = &value.value {
            parts.push((value.key, value.column, rows));
            continue;
        }
        let written = match &value.value {
            Value::Ref(_) => {
                let region = ids.region(value.key);
                ids.written(column, &value.value, &region)
            }
            plain => plain.clone(),
        };
        rows.entry(table.kind.table)
            .or_default()
            .entry(value.key.id)
            .or_default()
            .insert(
                value.column.to_owned(),
                write::sql_value(table, value.column, &written),
            );
    }
    for (table, rows) in rows {
        if let Some(table) = scene.table(table) {
            write::update(table, rows);
        }
    }
    for (key, column, rows) in parts {
        write_parts(scene, &mut ids, key, column, rows);
    }
}

fn write_parts(scene: &Scene, ids: &mut Ids<'_>, key: RowKey, column: &str, rows: &[Row]) {
    let Some(table) = scene.table(key.table) else {
        return;
    };
    let part = table.kind.parts().find(|(parts, _)| parts.name == column);
    let Some(part) = part.and_then(|(_, part)| scene.table(part.table)) else {
        return;
    };
    let region = ids.region(key);
    let written: Vec<Row> = rows
        .iter()
        .map(|row| ids.written_row(row, &region))
        .collect();
    let names = names(table, part, key.id);
    let whole = Whole {
        id: key.id,
        region: &region,
        row: &names,
    };
    write::insert_parts(part, &[(whole, &written)]);
}

/// The columns of a row that tie its parts.
fn names(table: &Table, part: &Table, id: i64) -> Row {
    let mut row = Row::new(table.kind);
    let on = part
        .kind
        .part_of
        .as_ref()
        .map_or(&[][..], |part_of| part_of.on);
    for (_, column) in on.iter().filter(|(_, column)| *column != "id") {
        row.set(column, column_of(table, column, id));
    }
    row
}

fn column_of(table: &Table, column: &str, id: i64) -> Option<String> {
    let rows = table.query(
        &format!(
            "SELECT {} FROM {} WHERE {} OPERATOR(pg_catalog.=) $1::pg_catalog.int4",
            sql::quoted(column),
            table.name,
            sql::quoted(table.id_column)
        ),
        &[Some(&id.to_string())],
    );
    rows.into_iter().flatten().next().flatten()
}

fn as_written(scene: &Scene, row: &Row, region: &Region) -> Row {
    Ids::new(scene).written_row(row, region)
}

/// Rows by the objects that they stand for.
struct Ids<'a> {
    scene: &'a Scene,
    rows: HashMap<(&'static str, CloudId), Option<i64>>,
}

impl<'a> Ids<'a> {
    fn new(scene: &'a Scene) -> Ids<'a> {
        Ids {
            scene,
            rows: HashMap::new(),
        }
    }

    fn region(&self, key: RowKey) -> Region {
        let table = self.scene.table(key.table);
        let region = table
            .filter(|table| table.is_regional())
            .and_then(|table| column_of(table, "region", key.id));
        Region::from(region.unwrap_or_default())
    }

    fn row_of(&mut self, table: &'static str, region: &Region, id: &CloudId) -> Option<i64> {
        *self
            .rows
            .entry((table, id.clone()))
            .or_insert_with(|| store::row_of(table, region, id))
    }

    fn written(
        &mut self,
        column: &'static iasql_engine::Column,
        value: &Value,
        region: &Region,
    ) -> Value {
        let (Some(reference), Value::Ref(iasql_engine::Ref::Object(object))) =
            (column.reference, value)
        else {
            return value.clone();
        };
        let Some(id) = self.row_of(reference.table, region, object) else {
            return Value::Null;
        };
        match (reference.column, self.scene.table(reference.table)) {
            ("id", _) | (_, None) => Value::Int(id),
            (name, Some(table)) => column_of(table, name, id).into(),
        }
    }

    fn written_row(&mut self, row: &Row, region: &Region) -> Row {
        let mut written = row.clone();
        for (position, column) in row.kind().columns.iter().enumerate() {
            let value = self.written(column, row.at(position), region);
            *written.at_mut(position) = value;
        }
        written
    }
}

/// What was done, as rows; or the error that lists what was done, failed and not tried.
fn report(outcomes: &Outcomes<AwsError>, order: &[usize]) -> Result<Done, Problem> {
    let mut done = Done::new();
    let mut lines = Vec::new();
    let (mut failed, mut not_tried, mut first) = (Vec::new(), Vec::new(), None);
    for position in order {
        let step = &outcomes.steps[*position];
        if let Outcome::Done(object) = &outcomes.outcomes[*position] {
            let object = object.as_ref().map(|object| object.id.to_string());
            let id = (step.work != Work::Delete).then_some(step.key.id);
            let description = object.unwrap_or_else(|| step.description());
            lines.push(format!("{} ({description})", title(step)));
            done.push((step.action.to_string(), step.kind.table, id, description));
        }
    }
    for (step, outcome) in outcomes.steps.iter().zip(&outcomes.outcomes) {
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Failed(error) => {
                failed.push(format!("{}: {error}", title(step)));
                first.get_or_insert_with(|| error.clone());
            }
            Outcome::NotTried(because) => {
                let because = title(&outcomes.steps[*because]);
                not_tried.push(format!("{} (after {because})", title(step)));
            }
            Outcome::Cancelled => not_tried.push(format!("{} (cancelled)", title(step))),
        }
    }
    match first {
        None => Ok(done),
        Some(_) if settings::reports_errors() => {
            done.extend(failures(outcomes));
            Ok(done)
        }
        Some(error) => Err(Problem::StepsFailed(Box::new(FailedRun {
            hint: aws_hint(&error).unwrap_or_default(),
            failed,
            done: lines,
            not_tried,
            error,
        }))),
    }
}

/// The steps that failed or were not tried, as rows.
fn failures(outcomes: &Outcomes<AwsError>) -> Done {
    let steps = outcomes.steps.iter().zip(&outcomes.outcomes);
    steps
        .filter_map(|(step, outcome)| {
            let (action, description) = match outcome {
                Outcome::Done(_) => return None,
                Outcome::Failed(error) => ("failed", format!("{}: {error}", title(step))),
                Outcome::NotTried(_) | Outcome::Cancelled => ("not tried", title(step)),
            };
            let id = step.row.as_ref().map(|_| step.key.id);
            Some((action.to_owned(), step.kind.table, id, description))
        })
        .collect()
}
