//! Applies a plan: the checks before the first call, the run, and what is written back.

mod privileges;
mod result;
mod running;
mod write_back;

use crate::journal::Starting;
use crate::locks::hold_rows;
use crate::planning::{Planned, plan_apply};
use crate::report::{Problem, notice_text};
use crate::store;
use crate::world::{self, Scene};
use crate::write::{self, NewRow};
use iasql_aws::error::AwsError;
use iasql_engine::execute::{Outcome, Outcomes};
use iasql_engine::plan::Plan;
use iasql_engine::{Known, Object, Row, RowKey};
use pgrx::prelude::*;
use result::{Done, report};
use running::run;
use std::collections::{BTreeSet, HashMap};
use write_back::{as_written, write_back};

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

/// Plans and applies.
pub fn apply(scene: &Scene) -> Result<Done, Problem> {
    // The journal's worker starts while AWS is read. What is in its way matters only if there is something to write.
    let journal = Starting::new().ok();
    let Planned {
        mut plan,
        desired,
        notes,
    } = plan_apply(scene)?;
    announce(&mut plan)?;
    privileges::check(scene, &plan)?;
    hold_rows(scene, &desired, &rows_of(&plan))?;
    store::forget_known(&plan.effects.forget);
    let agreed: Vec<_> = plan
        .effects
        .agree
        .iter()
        .map(|(key, known)| (*key, known, None))
        .collect();
    store::write_known(&agreed);
    // What is put back refers to the rows that stand for its objects from now on.
    restore(scene, &plan);
    write_back(scene, &plan.effects.write_back);
    store::resolve(&plan.effects.resolved);
    let steps = std::mem::take(&mut plan.steps);
    if steps.is_empty() {
        notes.settle();
        return Ok(Done::new());
    }
    let run_id = world::run_id();
    let mut order = Vec::new();
    let outcomes = run(scene, &run_id, journal, steps, plan.bindings, &mut order)?;
    settle(scene, &run_id, &outcomes);
    import_companions(scene, &outcomes)?;
    let is_done = |outcome: &Outcome<_>| matches!(outcome, Outcome::Done(_));
    if outcomes.outcomes.iter().all(is_done) {
        notes.settle();
    }
    // An interrupt that came while the last calls ended is served now that their outcome is written.
    pgrx::check_for_interrupts!();
    report(&outcomes, &order)
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

/// Writes what the steps that are done have agreed on, and what their rows are told.
fn settle(scene: &Scene, run_id: &str, outcomes: &Outcomes<AwsError>) {
    let effects = outcomes.effects(run_id);
    let steps = outcomes.steps.iter().enumerate();
    let positions: HashMap<RowKey, usize> = steps
        .filter(|(_, step)| step.row.is_some())
        .map(|(position, step)| (step.key, position))
        .collect();
    let agreed: Vec<_> = effects
        .agree
        .iter()
        .map(|(key, known)| {
            let step = positions.get(key).map(|position| (run_id, *position));
            (*key, known, step)
        })
        .collect();
    store::forget_known(&effects.forget);
    store::resolve(&effects.resolved);
    store::write_known(&agreed);
    write_back(scene, &effects.write_back);
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
                (key, Known::found(object))
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
