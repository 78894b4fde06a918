//! Every privilege that what a run writes needs, checked before its first call.

use crate::report::Problem;
use crate::tables::Table;
use crate::world::Scene;
use crate::{connection, sql};
use iasql_engine::compare::leaves_the_choice;
use iasql_engine::plan::{Plan, Step};
use std::collections::BTreeSet;

/// Checks that the caller may write whatever the plan or AWS gives to rows.
pub fn check(scene: &Scene, plan: &Plan) -> Result<(), Problem> {
    let effects = &plan.effects;
    let with_row = || plan.steps.iter().filter(|step| step.row.is_some());
    let updated = with_row()
        .map(|step| step.kind.table)
        .chain(effects.write_back.iter().map(|value| value.key.table));
    for table in in_order(scene, updated) {
        may(table, "UPDATE")?;
    }
    let restored = effects.restore.iter().map(|(key, _)| key.table);
    for table in in_order(scene, restored) {
        may(table, "INSERT")?;
    }
    let new = with_row().flat_map(tables_of_new_rows);
    for table in in_order(scene, new) {
        may(table, "INSERT")?;
        may_take_ids(table)?;
    }
    Ok(())
}

/// The installed ones of these tables, each once and after those it refers to.
fn in_order(
    scene: &Scene,
    names: impl Iterator<Item = &'static str>,
) -> impl Iterator<Item = &Table> {
    let names: BTreeSet<&str> = names.collect();
    let tables = scene.tables.iter();
    tables.filter(move |table| names.contains(table.kind.table))
}

/// The tables of which AWS may give rows to what the step does: what it makes along with the step's object, and the
/// parts that it chooses.
fn tables_of_new_rows(step: &Step) -> impl Iterator<Item = &'static str> {
    let chosen = step.row.iter().flat_map(|row| {
        let parts = row.kind().parts();
        parts.filter(|(column, _)| leaves_the_choice(column, row.get(column.name)))
    });
    let chosen = chosen.map(|(_, part)| part.table);
    step.kind.brings.iter().copied().chain(chosen)
}

fn may(table: &Table, privilege: &'static str) -> Result<(), Problem> {
    let may = sql::value(
        "SELECT pg_catalog.has_table_privilege($1::pg_catalog.regclass, $2)",
        &[Some(&table.name), Some(privilege)],
    );
    match may.as_deref() {
        Some("t") => Ok(()),
        _ => Err(Problem::TableDenied {
            table: table.kind.table,
            privilege,
            user: connection::current_user(),
        }),
    }
}

fn may_take_ids(table: &Table) -> Result<(), Problem> {
    let denied = sql::value(
        "SELECT s.name FROM pg_catalog.pg_get_serial_sequence($1, $2) AS s(name)
         WHERE NOT pg_catalog.has_sequence_privilege(s.name, 'USAGE')",
        &[Some(&table.name), Some(table.id_column)],
    );
    match denied {
        None => Ok(()),
        Some(sequence) => Err(Problem::SequenceDenied {
            sequence,
            user: connection::current_user(),
        }),
    }
}
