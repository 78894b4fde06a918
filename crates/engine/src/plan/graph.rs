//! The edges between steps, row by row, and the order that follows from them.

use super::bind::natural_key;
use super::{Action, Because, Plan, Refusal, Step, Work, World};
use crate::kind::Change;
use crate::row::{CloudId, ObjectKey, Region, Row, RowKey};
use crate::value::{Ref, Value};
use std::collections::{BTreeSet, HashMap};

/// Connects the steps and puts each after those it waits for.
pub(crate) fn connect(plan: &mut Plan, world: &World<'_>) {
    let makers = makers(&plan.steps);
    let finishers = finishers(&plan.steps);
    let deleters = deleters(&plan.steps);
    let edges = edges(&plan.steps, &makers, &finishers, &deleters);
    for (step, waits_for) in edges {
        plan.steps[step].after.insert(waits_for);
    }
    refuse_replacements_in_use(plan, world, &deleters);
    order(plan, world);
}

type Makers = HashMap<RowKey, usize>;
type Finishers = HashMap<(&'static str, CloudId), usize>;
type Deleters = HashMap<(&'static str, Region, CloudId), usize>;

/// The step that makes each row's object.
fn makers(steps: &[Step]) -> Makers {
    let creates = steps.iter().enumerate();
    creates
        .filter(|(_, step)| step.work == Work::Create)
        .map(|(position, step)| (step.key, position))
        .collect()
}

/// The step that does what an earlier create of each object left undone.
fn finishers(steps: &[Step]) -> Finishers {
    let finishes = steps.iter().enumerate();
    finishes
        .filter(|(_, step)| step.work == Work::Finish)
        .filter_map(|(position, step)| {
            let object = step.object.as_ref()?;
            Some(((step.kind.table, object.id.clone()), position))
        })
        .collect()
}

/// The step that deletes each object.
fn deleters(steps: &[Step]) -> Deleters {
    let deletes = steps.iter().enumerate();
    deletes
        .filter(|(_, step)| step.work == Work::Delete)
        .filter_map(|(position, step)| {
            let object = step.object.as_ref()?;
            let key = (step.kind.table, object.region.clone(), object.id.clone());
            Some((key, position))
        })
        .collect()
}

fn edges(
    steps: &[Step],
    makers: &Makers,
    finishers: &Finishers,
    deleters: &Deleters,
) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    let hidden = Hidden::new(steps);
    let mut taken_names: HashMap<(&'static str, Region, String), usize> = HashMap::new();
    for (position, step) in steps.iter().enumerate() {
        if let (Work::Delete, Some(object)) = (step.work, &step.object)
            && let Some(key) = natural_key(&object.row)
        {
            taken_names.insert((step.kind.table, object.region.clone(), key), position);
        }
    }
    for (position, step) in steps.iter().enumerate() {
        if let Some(row) = &step.row {
            // What the row refers to is made first.
            for_each_reference(row, &mut |table, reference| {
                let maker = match reference {
                    Ref::Row(target) => makers.get(target),
                    Ref::Object(id) => finishers.get(&(table, id.clone())),
                };
                edges.extend(maker.map(|maker| (position, *maker)));
            });
            // A name is free only when its old bearer is gone.
            if let (Work::Create, Some(key)) = (step.work, natural_key(row)) {
                let name = (step.kind.table, step.region.clone(), key);
                let bearer = taken_names.get(&name).copied();
                edges.extend(bearer.map(|bearer| (position, bearer)));
            }
            edges.extend(
                hidden
                    .waits_of_row(step.kind, row)
                    .map(|other| (position, other)),
            );
        }
        // What an object refers to is deleted last: after the object itself is deleted or refers to it no more.
        if let (Some(object), true) = (&step.object, releases(step)) {
            for_each_mention(&object.row, &mut |table, id| {
                let key = (table, object.region.clone(), id.clone());
                let global = (table, Region::default(), id.clone());
                let deleter = deleters.get(&key).or_else(|| deleters.get(&global));
                edges.extend(deleter.map(|deleter| (*deleter, position)));
            });
            if step.work == Work::Delete {
                edges.extend(
                    hidden
                        .waits_of_object(step.kind, &object.row)
                        .map(|other| (other, position)),
                );
            }
        }
    }
    edges.retain(|(step, waits_for)| step != waits_for);
    edges
}

/// Whether after the step its object's old references hold no more.
fn releases(step: &Step) -> bool {
    matches!(step.work, Work::Delete | Work::Update)
}

/// The waits that no foreign key shows.
struct Hidden {
    /// Steps that make or change a row, by table, column and what it refers to.
    rows: HashMap<(&'static str, &'static str, Ref), Vec<usize>>,
    /// Steps that delete an object, by table, column and what it refers to.
    objects: HashMap<(&'static str, &'static str, CloudId), Vec<usize>>,
}

impl Hidden {
    fn new(steps: &[Step]) -> Hidden {
        let mut hidden = Hidden {
            rows: HashMap::new(),
            objects: HashMap::new(),
        };
        let waited_for: BTreeSet<(&str, &str)> = steps
            .iter()
            .flat_map(|step| step.kind.after)
            .map(|after| (after.table, after.theirs))
            .collect();
        for (position, step) in steps.iter().enumerate() {
            for column in step.kind.columns {
                if !waited_for.contains(&(step.kind.table, column.name)) {
                    continue;
                }
                if let (Some(row), Work::Create | Work::Update) = (&step.row, step.work)
                    && let Value::Ref(reference) = row.get(column.name)
                {
                    let key = (step.kind.table, column.name, reference.clone());
                    hidden.rows.entry(key).or_default().push(position);
                }
                if let (Some(object), Work::Delete) = (&step.object, step.work)
                    && let Some(id) = object.row.object(column.name)
                {
                    let key = (step.kind.table, column.name, id.clone());
                    hidden.objects.entry(key).or_default().push(position);
                }
            }
        }
        hidden
    }

    fn waits_of_row<'a>(
        &'a self,
        kind: &'static crate::Kind,
        row: &'a Row,
    ) -> impl Iterator<Item = usize> + 'a {
        kind.after.iter().flat_map(move |after| {
            let steps = match row.get(after.mine) {
                Value::Ref(reference) => {
                    self.rows
                        .get(&(after.table, after.theirs, reference.clone()))
                }
                _ => None,
            };
            steps.into_iter().flatten().copied()
        })
    }

    fn waits_of_object<'a>(
        &'a self,
        kind: &'static crate::Kind,
        object: &'a Row,
    ) -> impl Iterator<Item = usize> + 'a {
        kind.after.iter().flat_map(move |after| {
            let id = object.object(after.mine).cloned();
            let steps = id.and_then(|id| self.objects.get(&(after.table, after.theirs, id)));
            steps.into_iter().flatten().copied()
        })
    }
}

fn for_each_reference(row: &Row, visit: &mut impl FnMut(&'static str, &Ref)) {
    for (position, column) in row.kind().columns.iter().enumerate() {
        match (row.at(position), column.reference) {
            (Value::Ref(reference), Some(target)) => visit(target.table, reference),
            (Value::Parts(parts), _) => parts
                .iter()
                .for_each(|part| for_each_reference(part, visit)),
            _ => {}
        }
    }
}

/// Every object that an object refers to: by reference or by an id that a user wrote out.
fn for_each_mention(row: &Row, visit: &mut impl FnMut(&'static str, &CloudId)) {
    for_each_reference(row, &mut |table, reference| {
        if let Ref::Object(id) = reference {
            visit(table, id);
        }
    });
    for (position, column) in row.kind().columns.iter().enumerate() {
        let Some(table) = column.mentions else {
            continue;
        };
        match row.at(position) {
            Value::Text(id) => visit(table, &CloudId::from(id.as_str())),
            Value::List(ids) => ids
                .iter()
                .for_each(|id| visit(table, &CloudId::from(id.as_str()))),
            _ => {}
        }
    }
}

/// An object that must go before its successor is made must not be used by anything that stays.
fn refuse_replacements_in_use(plan: &mut Plan, world: &World<'_>, deleters: &Deleters) {
    let early: HashMap<(&'static str, Region, CloudId), usize> = deleters
        .iter()
        .filter(|(_, position)| {
            let step = &plan.steps[**position];
            step.action == Action::Replace
                && plan.steps.iter().any(|other| {
                    other.key == step.key
                        && other.work == Work::Create
                        && other.after.contains(*position)
                })
        })
        .map(|(key, position)| (key.clone(), *position))
        .collect();
    if early.is_empty() {
        return;
    }
    let mut users: HashMap<usize, ObjectKey> = HashMap::new();
    for object in &world.actual {
        let goes = deleters.contains_key(&(
            object.kind().table,
            object.region.clone(),
            object.id.clone(),
        ));
        if goes {
            continue;
        }
        for_each_mention(&object.row, &mut |table, id| {
            let key = (table, object.region.clone(), id.clone());
            if let Some(position) = early.get(&key) {
                users.entry(*position).or_insert_with(|| object.key());
            }
        });
    }
    let mut refused: Vec<(usize, ObjectKey)> = users.into_iter().collect();
    refused.sort();
    for (position, user) in refused {
        let step = &plan.steps[position];
        let maker = plan
            .steps
            .iter()
            .find(|other| other.key == step.key && other.work == Work::Create);
        let columns = maker
            .into_iter()
            .flat_map(|maker| &maker.changes)
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

/// Puts every step after those it waits for; among those that are ready, by table and row.
fn order(plan: &mut Plan, world: &World<'_>) {
    let steps = std::mem::take(&mut plan.steps);
    let rank = |position: usize| {
        let step = &steps[position];
        let table = world.catalog.position(step.kind.table) as i64;
        let deletes = step.work == Work::Delete;
        (
            deletes,
            if deletes { -table } else { table },
            step.key,
            position,
        )
    };
    let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
    let mut dependants: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (position, step) in steps.iter().enumerate() {
        for before in &step.after {
            dependants[*before].push(position);
        }
    }
    let mut ready: BTreeSet<_> = (0..steps.len())
        .filter(|position| waiting[*position] == 0)
        .map(rank)
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(steps.len());
    while let Some((_, _, _, position)) = ready.pop_first() {
        order.push(position);
        for dependant in &dependants[position] {
            waiting[*dependant] -= 1;
            if waiting[*dependant] == 0 {
                ready.insert(rank(*dependant));
            }
        }
    }
    if order.len() < steps.len() {
        let stuck: Vec<RowKey> = (0..steps.len())
            .filter(|position| waiting[*position] > 0)
            .map(|position| steps[position].key)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        plan.refusals.push(Refusal {
            key: stuck[0],
            name: steps
                .iter()
                .find(|step| step.key == stuck[0])
                .map(Step::name)
                .unwrap_or_default(),
            why: Because::Circle(stuck),
        });
        plan.steps = steps;
        return;
    }
    let mut new_position = vec![0; steps.len()];
    for (new, old) in order.iter().enumerate() {
        new_position[*old] = new;
    }
    let mut numbered: Vec<(usize, Step)> = steps
        .into_iter()
        .enumerate()
        .map(|(old, mut step)| {
            step.after = step
                .after
                .iter()
                .map(|before| new_position[*before])
                .collect();
            (new_position[old], step)
        })
        .collect();
    numbered.sort_by_key(|(position, _)| *position);
    plan.steps = numbered.into_iter().map(|(_, step)| step).collect();
}
