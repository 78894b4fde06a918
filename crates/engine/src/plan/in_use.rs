//! Replacements that cannot be: something that stays uses the old object and would not let it go.

use super::bind::exclude_each_other;
use super::graph::{Deleters, for_each_mention, for_each_reference, for_each_written_id};
use super::{Action, Because, Plan, Refusal, Step, Work, World};
use crate::kind::{Change, Replace};
use crate::object::Object;
use crate::row::{ObjectKey, RowKey};
use crate::value::Ref;
use std::collections::{BTreeMap, HashMap};

/// An object that is replaced.
struct Replaced {
    /// The step that makes the new one.
    create: usize,
    /// Whether the old one must go before that: then nothing can be moved from the one to the other.
    goes_first: bool,
}

/// Refuses every replacement whose old object is used by what neither goes nor moves to something else. An id that a
/// user wrote out is nothing that moves by itself.
pub(super) fn refuse(plan: &mut Plan, world: &World<'_>, deleters: &Deleters<'_>) {
    let replaced = replaced(&plan.steps, &deleters.own);
    if replaced.is_empty() {
        return;
    }
    let mut users: BTreeMap<usize, ObjectKey> = BTreeMap::new();
    let mut uses = |create: usize, user: &ObjectKey| {
        users.entry(create).or_insert_with(|| user.clone());
    };
    let mut changing: HashMap<ObjectKey, &Step> = HashMap::new();
    for step in &plan.steps {
        let Some(row) = &step.row else {
            continue;
        };
        let user = ObjectKey {
            table: step.kind.table,
            region: step.region.clone(),
            id: step.description().into(),
        };
        for_each_written_id(row, &step.region, &mut |target| {
            if let Some(old) = replaced.get(target) {
                uses(old.create, &user);
            }
        });
        if let (Work::Update | Work::Finish, Some(object)) = (step.work, &step.object) {
            changing.insert(object.key(), step);
        }
    }
    for object in &world.actual {
        let key = object.key();
        if deleters.of(&key).is_some() {
            continue;
        }
        let update = changing.get(&key);
        for_each_mention(object, &mut |target| {
            let Some(old) = replaced.get(target).filter(|old| old.goes_first) else {
                return;
            };
            let row = plan.steps[old.create].key;
            if !update.is_some_and(|step| moves_away(step, object, target, row)) {
                uses(old.create, &key);
            }
        });
        if update.is_none() {
            for_each_written_id(&object.row, &object.region, &mut |target| {
                if let Some(old) = replaced.get(target) {
                    uses(old.create, &key);
                }
            });
        }
    }
    for (create, user) in users {
        let (create, user) = reason(&plan.steps, &replaced, create, user);
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

/// The objects that are deleted for a new one.
fn replaced(steps: &[Step], deleters: &HashMap<ObjectKey, usize>) -> HashMap<ObjectKey, Replaced> {
    let creates: HashMap<RowKey, usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.action == Action::Replace && step.work != Work::Delete)
        .map(|(position, step)| (step.key, position))
        .collect();
    let replaced = deleters.iter().filter_map(|(object, delete)| {
        let step = &steps[*delete];
        let create = *creates.get(&step.key)?;
        let replaced = Replaced {
            create,
            goes_first: steps[create].after.contains(delete),
        };
        (step.action == Action::Replace).then(|| (object.clone(), replaced))
    });
    replaced.collect()
}

/// The replacement behind this one, where its old object goes first only because that of another does, which it uses.
fn reason(
    steps: &[Step],
    replaced: &HashMap<ObjectKey, Replaced>,
    mut create: usize,
    mut user: ObjectKey,
) -> (usize, ObjectKey) {
    let first: HashMap<RowKey, usize> = replaced
        .values()
        .filter(|old| old.goes_first)
        .map(|old| (steps[old.create].key, old.create))
        .collect();
    while let (Some(row), Some(object)) = (&steps[create].row, &steps[create].object) {
        if exclude_each_other(row, &object.row)
            || steps[create].kind.replace == Replace::DeleteFirst
        {
            break;
        }
        let mut behind = None;
        for_each_reference(row, &mut |_, reference| {
            if let Ref::Row(target) = reference {
                behind = behind.or_else(|| first.get(target).copied());
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
        Ref::Row(row) => refers |= **row == replaced,
        Ref::Object(_) => {}
    });
    let after = Object {
        row: row.clone(),
        ..object.clone()
    };
    for_each_mention(&after, &mut |mentioned| refers |= mentioned == target);
    !refers
}
