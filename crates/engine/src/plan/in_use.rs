//! Replacements that cannot be: the old object must go first, and something that stays uses it.

use super::bind::natural_key;
use super::graph::{for_each_mention, for_each_reference};
use super::{Action, Because, Plan, Refusal, Step, Work, World};
use crate::kind::{Change, Replace};
use crate::object::Object;
use crate::row::{ObjectKey, RowKey};
use crate::value::Ref;
use std::collections::{BTreeMap, HashMap};

/// Refuses every replacement whose old object must go first and is used by an object that neither goes nor moves to
/// something else.
pub(super) fn refuse(plan: &mut Plan, world: &World<'_>, deleters: &HashMap<ObjectKey, usize>) {
    let early = early_deletes(&plan.steps);
    if early.is_empty() {
        return;
    }
    let updates: HashMap<ObjectKey, &Step> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.work, Work::Update | Work::Finish))
        .filter_map(|step| Some((step.object.as_ref()?.key(), step)))
        .collect();
    let mut users: BTreeMap<usize, ObjectKey> = BTreeMap::new();
    for object in &world.actual {
        let key = object.key();
        if deleters.contains_key(&key) {
            continue;
        }
        for_each_mention(object, &mut |target| {
            let Some(create) = early.get(target) else {
                return;
            };
            let moves_away = updates
                .get(&key)
                .is_some_and(|step| moves_away(step, object, target, plan.steps[*create].key));
            if !moves_away {
                users.entry(*create).or_insert_with(|| key.clone());
            }
        });
    }
    for (create, user) in users {
        let (create, user) = reason(&plan.steps, &early, create, user);
        let step = &plan.steps[create];
        let columns = step
            .changes
            .iter()
            .filter(|change| change.change == Change::Replace)
            .map(|change| change.column)
            .collect();
        plan.refusals.push(Refusal {
            key: step.key,
            name: step.name(),
            why: Because::ReplaceInUse { columns, user },
        });
    }
}

/// The objects that must go before the object is made that replaces them, with the step that makes it.
fn early_deletes(steps: &[Step]) -> HashMap<ObjectKey, usize> {
    let creates = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.action == Action::Replace && step.work == Work::Create);
    creates
        .flat_map(|(position, step)| {
            let before = step.after.iter().map(|before| &steps[*before]);
            before
                .filter(|before| before.work == Work::Delete && before.key == step.key)
                .filter_map(move |before| Some((before.object.as_ref()?.key(), position)))
        })
        .collect()
}

/// The replacement behind this one, where its old object goes first only because that of another does, which it uses.
fn reason(
    steps: &[Step],
    early: &HashMap<ObjectKey, usize>,
    mut create: usize,
    mut user: ObjectKey,
) -> (usize, ObjectKey) {
    while let (Some(row), Some(object)) = (&steps[create].row, &steps[create].object) {
        let keeps_its_name =
            natural_key(row).is_some_and(|key| Some(key) == natural_key(&object.row));
        if keeps_its_name || steps[create].kind.replace == Replace::DeleteFirst {
            break;
        }
        let mut behind = None;
        for_each_reference(row, &mut |_, reference| {
            if let Ref::Row(target) = reference {
                let mut creates = early.values().copied();
                behind = behind.or_else(|| creates.find(|other| steps[*other].key == *target));
            }
        });
        let Some(behind) = behind else {
            break;
        };
        (create, user) = (behind, object.key());
    }
    (create, user)
}

/// Whether after its update the object refers neither to the old object nor to the one that replaces it.
fn moves_away(update: &Step, object: &Object, target: &ObjectKey, replaced: RowKey) -> bool {
    let Some(row) = &update.row else {
        return false;
    };
    let mut refers = false;
    for_each_reference(row, &mut |_, reference| match reference {
        Ref::Row(row) => refers |= *row == replaced,
        Ref::Object(_) => {}
    });
    let after = Object {
        row: row.clone(),
        ..object.clone()
    };
    for_each_mention(&after, &mut |mentioned| refers |= mentioned == target);
    !refers
}
