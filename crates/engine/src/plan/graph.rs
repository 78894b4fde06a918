//! The edges between steps, row by row, and the order that follows from them.

use super::bind::{namespace, natural_key, overlap};
use super::{Because, Plan, Refusal, Step, Why, Work, World, in_use};
use crate::object::Object;
use crate::row::{CloudId, ObjectKey, Region, Row, RowKey};
use crate::value::{Ref, Value};
use std::collections::{BTreeSet, HashMap};

/// Connects the steps and puts each after those it waits for.
pub(crate) fn connect(plan: &mut Plan, world: &World<'_>) {
    let deleters = Deleters::new(&plan.steps, &world.actual);
    for (step, waits_for) in edges(&plan.steps, &deleters) {
        plan.steps[step].after.insert(waits_for);
    }
    in_use::refuse(plan, world, &deleters);
    order(plan, world);
}

/// The steps by the objects that they delete.
pub(super) struct Deleters<'w> {
    pub(super) own: HashMap<ObjectKey, usize>,
    /// What goes along with those, without a step of its own.
    along: HashMap<ObjectKey, (usize, &'w Object)>,
}

impl<'w> Deleters<'w> {
    fn new(steps: &[Step], actual: &'w [Object]) -> Deleters<'w> {
        let deletes = steps.iter().enumerate();
        let own: HashMap<ObjectKey, usize> = deletes
            .filter(|(_, step)| step.work == Work::Delete)
            .filter_map(|(position, step)| Some((step.object.as_ref()?.key(), position)))
            .collect();
        let mut along = HashMap::new();
        let mut going: HashMap<(Region, CloudId), usize> = own
            .iter()
            .map(|(object, step)| ((object.region.clone(), object.id.clone()), *step))
            .collect();
        if own.is_empty() {
            return Deleters { own, along };
        }
        for goes_with in [Object::goes_with, Object::belongs_to] {
            for object in actual {
                let whole = goes_with(object).map(|whole| (object.region.clone(), whole.clone()));
                let step = whole.and_then(|whole| going.get(&whole).copied());
                let key = object.key();
                if let Some(step) = step.filter(|_| !own.contains_key(&key)) {
                    going.insert((key.region.clone(), key.id.clone()), step);
                    along.insert(key, (step, object));
                }
            }
        }
        Deleters { own, along }
    }

    /// The step with which the object goes.
    pub(super) fn of(&self, object: &ObjectKey) -> Option<usize> {
        let along = self.along.get(object).map(|(step, _)| *step);
        self.own.get(object).copied().or(along)
    }
}

fn edges(steps: &[Step], deleters: &Deleters<'_>) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    let makers: HashMap<RowKey, usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.work == Work::Create)
        .map(|(position, step)| (step.key, position))
        .collect();
    let finishers: HashMap<ObjectKey, usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.why == Why::Unfinished && step.work != Work::Delete)
        .filter_map(|(position, step)| Some((step.object.as_ref()?.key(), position)))
        .collect();
    let hidden = Hidden::new(steps);
    for (position, step) in steps.iter().enumerate() {
        if let Some(row) = &step.row {
            // What the row refers to is made, or finished, first.
            for_each_reference(row, &mut |table, reference| {
                let maker = match reference {
                    Ref::Row(target) => makers.get(target),
                    Ref::Object(_) if finishers.is_empty() => None,
                    Ref::Object(id) => [&step.region, &Region::default()]
                        .into_iter()
                        .find_map(|region| finishers.get(&object_key(table, region, id))),
                };
                edges.extend(maker.map(|maker| (position, *maker)));
            });
            let waits = hidden.waits_of_row(step.kind, row);
            edges.extend(waits.map(|other| (position, other)));
        }
        // What an object refers to is deleted last: after the object itself is deleted or refers to it no more.
        if let (Some(object), Work::Delete | Work::Update | Work::Finish) =
            (&step.object, step.work)
        {
            for_each_mention(object, &mut |target| {
                edges.extend(deleters.of(target).map(|deleter| (deleter, position)));
            });
            if step.work == Work::Delete {
                let waits = hidden.waits_of_object(step.kind, &object.row);
                edges.extend(waits.map(|other| (other, position)));
            }
        }
    }
    for (position, object) in deleters.along.values() {
        for_each_mention(object, &mut |target| {
            edges.extend(deleters.of(target).map(|deleter| (deleter, *position)));
        });
    }
    edges.extend(name_edges(steps));
    edges.retain(|(step, waits_for)| step != waits_for);
    edges
}

/// Where names must not collide: a table, a region, and the part of the name that all share.
type Namespace<'a> = (&'static str, &'a Region, String);

/// A name is free only when its old bearer is gone or has another.
fn name_edges(steps: &[Step]) -> Vec<(usize, usize)> {
    let mut given_up: HashMap<Namespace<'_>, Vec<(usize, &Row)>> = HashMap::new();
    let mut taken: Vec<(usize, &Step, &Row)> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let old = match step.work {
            Work::Delete | Work::Update | Work::Finish => step.object.as_ref(),
            Work::Create | Work::Bind => None,
        };
        let before = old.and_then(|object| Some((object, natural_key(&object.row)?)));
        let new = match step.work {
            Work::Create | Work::Update | Work::Finish => step.row.as_ref(),
            Work::Delete | Work::Bind => None,
        };
        let after = new.and_then(|row| Some((row, natural_key(row)?)));
        match (before, after) {
            (Some((_, before)), Some((_, after))) if before == after => {}
            (before, after) => {
                if let Some((object, name)) =
                    before.and_then(|(object, _)| Some((object, namespace(&object.row)?)))
                {
                    let name = (step.kind.table, &object.region, name);
                    given_up
                        .entry(name)
                        .or_default()
                        .push((position, &object.row));
                }
                taken.extend(after.map(|(row, _)| (position, step, row)));
            }
        }
    }
    let mut edges = Vec::new();
    for (position, step, row) in taken {
        let name = namespace(row).map(|name| (step.kind.table, &step.region, name));
        let bearers = name.and_then(|name| given_up.get(&name));
        let in_the_way = bearers
            .into_iter()
            .flatten()
            .filter(|(_, old)| overlap(row, old));
        edges.extend(in_the_way.map(|(bearer, _)| (position, *bearer)));
    }
    edges
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
        let mut waited_for: HashMap<&'static str, BTreeSet<&'static str>> = HashMap::new();
        for after in steps.iter().flat_map(|step| step.kind.after) {
            waited_for
                .entry(after.table)
                .or_default()
                .insert(after.theirs);
        }
        for (position, step) in steps.iter().enumerate() {
            for theirs in waited_for.get(step.kind.table).into_iter().flatten() {
                let row = step.row.as_ref().map(|row| row.get(theirs));
                let makes = matches!(step.work, Work::Create | Work::Update | Work::Finish);
                if let (Some(Value::Ref(to)), true) = (row, makes) {
                    let key = (step.kind.table, *theirs, to.clone());
                    hidden.rows.entry(key).or_default().push(position);
                }
                let object = step.object.as_ref();
                let to = object.and_then(|object| object.row.object(theirs));
                if let (Some(to), Work::Delete) = (to, step.work) {
                    let key = (step.kind.table, *theirs, to.clone());
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

fn object_key(table: &'static str, region: &Region, id: &CloudId) -> ObjectKey {
    ObjectKey {
        table,
        region: region.clone(),
        id: id.clone(),
    }
}

/// Every reference of a row and of its parts, with the table it leads to.
pub(super) fn for_each_reference(row: &Row, visit: &mut impl FnMut(&'static str, &Ref)) {
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

/// Every object that an object may refer to: by reference or by an id that a user wrote out.
pub(super) fn for_each_mention(object: &Object, visit: &mut impl FnMut(&ObjectKey)) {
    for_each_reference(&object.row, &mut |table, reference| {
        if let Ref::Object(id) = reference {
            in_each_place(table, &object.region, id, visit);
        }
    });
    for_each_written_id(&object.row, &object.region, visit);
}

/// Every object whose id a user wrote out.
pub(super) fn for_each_written_id(row: &Row, region: &Region, visit: &mut impl FnMut(&ObjectKey)) {
    for (position, column) in row.kind().columns.iter().enumerate() {
        let Some(table) = column.mentions else {
            continue;
        };
        let mut mention = |id: &str| in_each_place(table, region, &CloudId::from(id), visit);
        match row.at(position) {
            Value::Text(id) => mention(id),
            Value::List(ids) => ids.iter().for_each(|id| mention(id)),
            _ => {}
        }
    }
}

/// An object is in the region of what refers to it, or in none.
fn in_each_place(
    table: &'static str,
    region: &Region,
    id: &CloudId,
    visit: &mut impl FnMut(&ObjectKey),
) {
    for region in [region, &Region::default()] {
        visit(&object_key(table, region, id));
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
        let stuck = (0..steps.len()).filter(|position| waiting[*position] > 0);
        let stuck = stuck.map(|position| &steps[position]).collect();
        plan.refusals.extend(circle(stuck, &plan.refusals));
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

/// The refusal of steps that wait for each other, unless one of them is refused already: then that is why.
fn circle(stuck: Vec<&Step>, refusals: &[Refusal]) -> Option<Refusal> {
    let first = stuck.iter().min_by_key(|step| step.key)?;
    let keys: BTreeSet<RowKey> = stuck.iter().map(|step| step.key).collect();
    let is_known = refusals.iter().any(|refusal| keys.contains(&refusal.key));
    (!is_known).then(|| Refusal {
        key: first.key,
        name: first.name(),
        why: Because::Circle(keys.into_iter().collect()),
    })
}
