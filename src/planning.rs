//! Plans: from the rows, from what was agreed on, and from as much of AWS as `iasql.refresh` asks for.

use crate::changes::Notes;
use crate::locks::Lock;
use crate::report::Problem;
use crate::settings::{self, Refresh};
use crate::world::{self, Rows, Scene, read_changed_rows, read_cloud, read_everything, read_rows};
use iasql_aws::read::Reading;
use iasql_engine::object::Owner;
use iasql_engine::plan::{Action, Desired, Plan, Step, World, plan};
use iasql_engine::sync::{SyncPlan, plan_sync};
use iasql_engine::{Known, Object, RowKey};
use std::collections::{BTreeMap, BTreeSet};

/// A plan, and what it was made from.
pub struct Planned<P> {
    /// The plan.
    pub plan: P,
    /// The rows, if the plan is to be carried out.
    pub desired: Vec<Desired>,
    /// The notes of changes that are settled once the plan is carried out.
    pub notes: Notes,
}

/// What apply would do.
pub fn plan_apply(scene: &Scene) -> Result<Planned<Plan>, Problem> {
    let refresh = settings::refresh();
    if refresh == Refresh::Off
        && let Some(rows) = read_changed_rows(scene)?
    {
        let planned = planned(scene, rows, |rows| Ok(remembered(scene, rows)), by_rules)?;
        if is_of_these_rows_alone(&planned.plan) {
            return Ok(planned);
        }
    }
    if refresh == Refresh::All {
        return from_everything(scene, by_rules);
    }
    let world = |rows: Rows| match refresh {
        Refresh::Off if rows.intents.is_empty() => Ok(remembered(scene, rows)),
        // What a run that was cut off has left must be looked for.
        _ => {
            let tables = changed_tables(scene, &rows);
            let (_, reading) = read_cloud(scene, tables.clone(), &rows)?;
            Ok(world::world(scene, rows, reading, &tables))
        }
    };
    planned(scene, read_rows(scene)?, world, by_rules)
}

fn by_rules(world: World<'_>) -> Plan {
    plan(world, &settings::rules())
}

/// Makes the world and the plan.
fn planned<'a, P>(
    scene: &Scene,
    rows: Rows,
    world: impl FnOnce(Rows) -> Result<World<'a>, Problem>,
    plan: impl FnOnce(World<'a>) -> P,
) -> Result<Planned<P>, Problem> {
    let desired = match scene.lock {
        Lock::Write => rows.desired.clone(),
        // A plan that is only looked at frees each row that is as agreed.
        _ => Vec::new(),
    };
    let notes = rows.notes.clone();
    let world = world(rows)?;
    Ok(Planned {
        // Rows of what was not read are still to be looked at.
        notes: match world.unread.is_empty() {
            true => notes,
            false => Notes::default(),
        },
        plan: plan(world),
        desired,
    })
}

/// Whether no other row than those that were read can have a part in the plan. Any other can hold the name of an object
/// that is made, or refer to one that goes.
fn is_of_these_rows_alone(plan: &Plan) -> bool {
    let in_place = |step: &Step| step.action == Action::Update;
    plan.refusals.is_empty() && plan.steps.iter().all(in_place)
}

/// Makes sure that the credentials lead to the account that the tables belong to, whatever a plan has read.
pub fn check_account(scene: &Scene) -> Result<(), Problem> {
    read_cloud(scene, Vec::new(), &Rows::default())?;
    Ok(())
}

/// What sync would do. It always reads everything.
pub fn plan_a_sync(scene: &Scene) -> Result<Planned<SyncPlan>, Problem> {
    from_everything(scene, plan_sync)
}

/// Plans from all rows and all that AWS holds.
fn from_everything<'a, P>(
    scene: &'a Scene,
    plan: impl FnOnce(World<'a>) -> P,
) -> Result<Planned<P>, Problem> {
    let tables = all_tables(scene);
    let (rows, _, reading) = read_everything(scene, tables.clone())?;
    let world = |rows| Ok(world::world(scene, rows, reading, &tables));
    planned(scene, rows, world, plan)
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
