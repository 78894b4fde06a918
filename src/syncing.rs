//! Writes what a sync plan says into the tables, a few statements a table.

use crate::locks::hold_rows;
use crate::report::Problem;
use crate::room::step_aside;
use crate::store;
use crate::tables::Table;
use crate::world::Scene;
use crate::write::{self, NewRow, Whole};
use iasql_engine::kind::Type;
use iasql_engine::plan::{Action, Desired};
use iasql_engine::sync::{RowChange, SyncPlan, deletes_that_wait, renamed};
use iasql_engine::{Known, Row, RowKey, Value};
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgSqlErrorCode, PgTryBuilder};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;

/// Carries out the plan. New rows get their ids, which the changes then hold.
pub fn carry_out(scene: &Scene, plan: &mut SyncPlan, planned: &[Desired]) -> Result<(), Problem> {
    hold_rows(scene, planned, &rows_of(plan))?;
    let waits = deletes_that_wait(&scene.catalog, planned, &plan.changes);
    give_ids(scene, plan);
    // What goes, or goes back to its old name, makes room for what gets the name that it had.
    delete(scene, &plan.changes, |row| !waits.contains(&row));
    unless_taken(|| {
        for table in scene.wholes() {
            update(scene, table, &plan.changes);
            update(scene, table, &plan.refreshed);
            insert(scene, table, &plan.changes);
        }
    })?;
    delete(scene, &plan.changes, |row| waits.contains(&row));
    store::forget_known(&plan.forget);
    store::resolve(&plan.resolved);
    let agreed: Vec<(RowKey, &Known, store::Source<'_>)> = plan
        .agree
        .iter()
        .map(|(key, known)| (*key, known, None))
        .collect();
    store::write_known(&agreed);
    Ok(())
}

/// The rows that the plan is about.
fn rows_of(plan: &SyncPlan) -> BTreeSet<RowKey> {
    let changes = plan.changes.iter().chain(&plan.refreshed);
    changes
        .map(|change| change.key)
        .chain(plan.agree.iter().map(|(key, _)| *key))
        .collect()
}

/// New rows have negative ids in a plan; here they get theirs, wherever they are referred to.
fn give_ids(scene: &Scene, plan: &mut SyncPlan) {
    let mut ids: HashMap<RowKey, i64> = HashMap::new();
    for table in scene.wholes() {
        let new: Vec<RowKey> = plan
            .changes
            .iter()
            .map(|change| change.key)
            .filter(|key| key.table == table.kind.table && key.id < 0)
            .collect();
        ids.extend(new.iter().copied().zip(write::new_ids(table, new.len())));
    }
    let given = |key: RowKey| RowKey {
        id: ids.get(&key).copied().unwrap_or(key.id),
        ..key
    };
    for change in plan.changes.iter_mut().chain(&mut plan.refreshed) {
        change.key = given(change.key);
        replace_references(&mut change.row, &ids);
    }
    for (key, _) in &mut plan.agree {
        *key = given(*key);
    }
}

fn replace_references(row: &mut Row, ids: &HashMap<RowKey, i64>) {
    for (position, column) in row.kind().columns.iter().enumerate() {
        match (row.at_mut(position), column.reference) {
            (Value::Int(id), Some(reference)) if *id < 0 => {
                let key = RowKey {
                    table: reference.table,
                    id: *id,
                };
                *id = ids.get(&key).copied().unwrap_or(*id);
            }
            (Value::Parts(parts), _) => {
                for part in parts {
                    replace_references(part, ids);
                }
            }
            _ => {}
        }
    }
}

fn of<'a>(
    table: &'a Table,
    changes: &'a [RowChange],
    action: Action,
) -> impl Iterator<Item = &'a RowChange> {
    changes
        .iter()
        .filter(move |change| change.key.table == table.kind.table && change.action == action)
}

/// Adds the rows of these changes, with their parts, to the rows of each table.
pub fn count<'a>(
    changes: impl IntoIterator<Item = &'a RowChange>,
    rows: &mut HashMap<&'static str, usize>,
) {
    for change in changes {
        *rows.entry(change.key.table).or_default() += 1;
        for (column, part) in change.row.kind().parts() {
            *rows.entry(part.table).or_default() += change.row.parts(column.name).len();
        }
    }
}

/// Inserts the new rows of a table, with their parts.
pub fn insert(scene: &Scene, table: &Table, changes: &[RowChange]) {
    let new: Vec<NewRow<'_>> = of(table, changes, Action::Create)
        .map(|change| NewRow {
            id: change.key.id,
            region: &change.region,
            protected: change.protected,
            row: &change.row,
        })
        .collect();
    write::insert(table, &new);
    for (column, part) in table.kind.parts() {
        let Some(part) = scene.table(part.table) else {
            continue;
        };
        let wholes: Vec<(Whole<'_>, &[Row])> = of(table, changes, Action::Create)
            .map(|change| (whole(change), change.row.parts(column.name)))
            .collect();
        write::insert_parts(part, &wholes);
    }
}

/// Writes rows. A row that another transaction inserts while AWS is read shows only here.
pub fn unless_taken(write: impl FnOnce()) -> Result<(), Problem> {
    let write = || {
        write();
        Ok(())
    };
    PgTryBuilder::new(AssertUnwindSafe(write))
        .catch_when(PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION, taken)
        .execute()
}

/// The transaction is broken: nothing may be asked of Postgres any more.
fn taken(error: CaughtError) -> Result<(), Problem> {
    match error {
        CaughtError::PostgresError(report) => Err(Problem::Taken {
            message: report.message().to_owned(),
            detail: report.detail().unwrap_or_default().to_owned(),
        }),
        other => other.rethrow(),
    }
}

fn whole(change: &RowChange) -> Whole<'_> {
    Whole {
        id: change.key.id,
        region: &change.region,
        row: &change.row,
    }
}

fn update(scene: &Scene, table: &Table, changes: &[RowChange]) {
    let renamed = of(table, changes, Action::Update).filter(|change| renamed(change));
    let mut aside: BTreeSet<i64> = renamed.map(|change| change.key.id).collect();
    // One that is renamed alone is in nobody's way.
    if aside.len() < 2 {
        aside.clear();
    }
    let references = (!aside.is_empty()).then(|| step_aside(table, &aside));
    let mut rows = BTreeMap::new();
    for change in of(table, changes, Action::Update) {
        let mut values = Map::new();
        for column in table.columns() {
            let changed = change.columns.is_empty() && column.volatile
                || column.key && aside.contains(&change.key.id)
                || change
                    .columns
                    .iter()
                    .any(|other| other.column == column.name);
            if changed {
                let value = write::sql_value(table, column.name, change.row.get(column.name));
                values.insert(column.name.to_owned(), value);
            }
        }
        if change.columns.iter().any(|other| other.column == "region") {
            values.insert("region".to_owned(), change.region.as_str().into());
        }
        if !values.is_empty() {
            rows.insert(change.key.id, values);
        }
    }
    write::update(table, rows);
    if let Some(references) = references {
        references.check();
    }
    for (column, part) in table.kind.parts() {
        let Some(part) = scene.table(part.table) else {
            continue;
        };
        let changed: Vec<&RowChange> = of(table, changes, Action::Update)
            .filter(|change| {
                matches!(column.ty, Type::Parts(_))
                    && change
                        .columns
                        .iter()
                        .any(|other| other.column == column.name)
            })
            .collect();
        let wholes: Vec<Whole<'_>> = changed.iter().map(|change| whole(change)).collect();
        write::delete_parts(part, &wholes);
        let wholes: Vec<(Whole<'_>, &[Row])> = changed
            .iter()
            .map(|change| (whole(change), change.row.parts(column.name)))
            .collect();
        write::insert_parts(part, &wholes);
    }
}

fn delete(scene: &Scene, changes: &[RowChange], which: impl Fn(RowKey) -> bool) {
    let rows: Vec<(&Table, Vec<i64>)> = scene
        .wholes()
        .map(|table| {
            let gone = of(table, changes, Action::Delete).filter(|change| which(change.key));
            (
                table,
                gone.map(|change| change.key.id).collect::<Vec<i64>>(),
            )
        })
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    write::delete(&rows);
}
