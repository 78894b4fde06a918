//! Plans: from the rows, from what was agreed on, and from as much of AWS as `iasql.refresh` asks for.

use crate::report::Problem;
use crate::settings::{self, Refresh};
use crate::world::{self, Rows, Scene, read_cloud};
use iasql_aws::read::Reading;
use iasql_engine::object::Owner;
use iasql_engine::plan::{Plan, World, plan};
use iasql_engine::sync::{SyncPlan, plan_sync};
use iasql_engine::{Known, Object, RowKey};
use std::collections::{BTreeMap, BTreeSet};

/// What apply would do.
pub fn plan_apply(scene: &Scene, rows: Rows) -> Result<Plan, Problem> {
    let world = match settings::refresh() {
        Refresh::All => refreshed(scene, rows, all_tables(scene))?,
        Refresh::Off if rows.intents.is_empty() => remembered(scene, rows),
        // What a run that was cut off has left must be looked for.
        Refresh::Changed | Refresh::Off => {
            let tables = changed_tables(scene, &rows);
            refreshed(scene, rows, tables)?
        }
    };
    Ok(plan(world, &settings::rules()))
}

/// Makes sure that the credentials lead to the account that the tables belong to, whatever a plan has read.
pub fn check_account(scene: &Scene) -> Result<(), Problem> {
    read_cloud(scene, Vec::new(), &BTreeMap::new(), &[])?;
    Ok(())
}

/// What sync would do. It always reads everything.
pub fn plan_a_sync(scene: &Scene, rows: Rows) -> Result<SyncPlan, Problem> {
    Ok(plan_sync(refreshed(scene, rows, all_tables(scene))?))
}

fn all_tables(scene: &Scene) -> Vec<&'static str> {
    scene.wholes().map(|table| table.kind.table).collect()
}

/// The tables that have steps when nothing but the rows has changed since the last agreement.
fn changed_tables(scene: &Scene, rows: &Rows) -> Vec<&'static str> {
    let plan = plan(remembered(scene, rows.clone()), &settings::rules());
    let tables: BTreeSet<&'static str> = plan
        .steps
        .iter()
        .map(|step| step.kind.table)
        .chain(plan.refusals.iter().map(|refusal| refusal.key.table))
        .chain(rows.intents.iter().map(|intent| intent.key.table))
        .collect();
    tables.into_iter().collect()
}

/// The world with these tables as AWS holds them now.
fn refreshed<'a>(
    scene: &'a Scene,
    rows: Rows,
    tables: Vec<&'static str>,
) -> Result<World<'a>, Problem> {
    let (_, reading) = read_cloud(scene, tables.clone(), &rows.known, &rows.intents)?;
    Ok(world::world(scene, rows, reading, &tables))
}

/// The world as it was last agreed on: nothing is read.
fn remembered(scene: &Scene, rows: Rows) -> World<'_> {
    let reading = Reading {
        objects: agreed_objects(&rows.known),
        ..Reading::default()
    };
    world::world(scene, rows, reading, &all_tables(scene))
}

fn agreed_objects(known: &BTreeMap<RowKey, Known>) -> Vec<Object> {
    known
        .values()
        .map(|known| {
            let mut object = Object::new(&known.region, known.id.clone(), known.row.clone());
            if known.account_owned {
                object.owner = Owner::Account;
            }
            object
        })
        .collect()
}
