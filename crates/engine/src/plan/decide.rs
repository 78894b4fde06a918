//! Decides, row by row, what is to be done.
//!
//! Kinds are taken in the catalogue's order, so that when a row is decided the rows it refers to are: a reference
//! leads to an object that stays, or to a row whose object is still to be made.

use super::bind::{Names, Objects, natural_key, resolve};
use super::journaled::{Journaled, void_agreements};
use super::places::KnownRows;
use super::{Because, Desired, News, Notice, Place, Plan, Refusal, Rules, World, graph, unread};
use crate::kind::Kind;
use crate::object::{Known, Object};
use crate::row::{CloudId, ObjectKey, Region, RowKey};
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

pub(crate) fn decide(mut world: World<'_>, rules: &Rules) -> Plan {
    world.keep_protection();
    let mut desired = std::mem::take(&mut world.desired);
    // Whatever is found first is then the same in every order of the world.
    world.actual.sort_by(Object::compare_keys);
    // Rows come as the catalogue has their kinds.
    desired.sort_by(|a, b| match a.key.table == b.key.table {
        true => a.key.id.cmp(&b.key.id),
        false => {
            let place = |row: &Desired| world.catalog.position(row.key.table);
            place(a).cmp(&place(b))
        }
    });
    let mut planner = Planner::new(&world, rules, &desired);
    let mut desired = desired.into_iter().peekable();
    for kind in world.catalog.kinds() {
        let rows = std::iter::from_fn(|| desired.next_if(|row| row.key.table == kind.table));
        let ready: Vec<Ready<'_>> = rows
            .filter_map(|row| planner.make_ready(kind, row))
            .collect();
        for row in ready {
            planner.row(kind, row);
        }
    }
    planner.refuse_names_wanted_twice();
    planner.deleted_rows();
    planner.rolled_back_rows();
    unread::hold_deletes(&mut planner.plan, &world);
    planner.count_deletes();
    let mut plan = planner.plan;
    graph::connect(&mut plan, &world);
    plan
}

pub(super) struct Planner<'w> {
    pub(super) world: &'w World<'w>,
    pub(super) rules: &'w Rules,
    names: Names,
    pub(super) objects: Objects<'w>,
    pub(super) journaled: Journaled<'w>,
    pub(super) living: FxHashSet<RowKey>,
    /// The row that was agreed on for each object.
    pub(super) known_rows: KnownRows<'w>,
    /// Rows whose object an earlier run has deleted.
    void: HashSet<RowKey>,
    /// The natural keys that edited rows with an agreement want.
    pub(super) wanted_names: HashMap<RowKey, Option<String>>,
    /// Rows that are left alone, because they or what they refer to could not be read.
    left_alone: HashSet<RowKey>,
    /// Rows that are refused, themselves or for what they refer to.
    refused: HashSet<RowKey>,
    /// Objects that are deleted. What is put back or taken over is not among them.
    pub(super) leaving: HashSet<(Region, CloudId)>,
    /// Deleted rows whose object another row has taken over.
    pub(super) taken_over: HashSet<RowKey>,
    pub(super) plan: Plan,
}

/// A row whose references are resolved, and its last agreement.
struct Ready<'w> {
    desired: Desired,
    known: Option<&'w Known>,
    /// The agreement with what earlier runs have done since, where they have.
    caught_up: Option<Box<Known>>,
    /// The object that was agreed on, if it still exists.
    object: Option<&'w Object>,
}

impl<'w> Planner<'w> {
    fn new(world: &'w World<'w>, rules: &'w Rules, rows: &[Desired]) -> Planner<'w> {
        let objects = Objects::new(&world.actual);
        let void = void_agreements(&world.intents, &world.known);
        let agreements = world.known.iter();
        let known_rows = KnownRows::new(agreements.filter(|(key, _)| !void.contains(key)));
        let journaled = Journaled::new(&world.intents, &world.actual, &objects, |object| {
            known_rows.contains(object)
        });
        let mut planner = Planner {
            world,
            rules,
            names: Names::new(world.catalog, rows),
            objects,
            journaled,
            living: rows.iter().map(|row| row.key).collect(),
            known_rows,
            void,
            wanted_names: HashMap::new(),
            left_alone: HashSet::new(),
            refused: HashSet::new(),
            leaving: HashSet::new(),
            taken_over: HashSet::new(),
            plan: Plan::default(),
        };
        planner.leaving = planner.deleted_objects();
        planner.plan.bindings.reserve(rows.len());
        planner
    }

    /// Resolves what the row refers to. A row that cannot be planned is left alone or refused here.
    fn make_ready(&mut self, kind: &'static Kind, mut desired: Desired) -> Option<Ready<'w>> {
        let known = self.agreed(&desired);
        let place = known
            .as_ref()
            .map_or(&desired.region, |known| &known.region);
        if self.is_unread(kind, &desired.region) || self.is_unread(kind, place) {
            match known {
                Some(known) => self.stands_for(&desired, &known.region, known.id.clone()),
                None => drop(self.left_alone.insert(desired.key)),
            }
            return None;
        }
        let resolved = resolve(
            &mut desired.row,
            &desired.region,
            self.world.catalog,
            &self.names,
            &self.plan.bindings,
        );
        if let Err(unresolved) = resolved {
            let leads_to = |rows: &HashSet<RowKey>| {
                let target = unresolved.target.as_ref();
                target.is_some_and(|target| rows.contains(target))
            };
            if leads_to(&self.left_alone) {
                self.left_alone.insert(desired.key);
                self.notice(&desired, News::Unread);
            } else if leads_to(&self.refused) {
                self.refused.insert(desired.key);
            } else {
                self.refuse(&desired, unresolved.why);
            }
            return None;
        }
        let mut object = None;
        if let Some(known) = &known {
            object = self.object_of(desired.key, known);
            self.say_what_no_row_can(&mut desired.row, known, object);
            desired.row.share(&known.row);
            let is_edited = matches!(known, Cow::Owned(_)) || desired.row != known.row;
            if is_edited {
                let name = natural_key(&desired.row);
                self.wanted_names.insert(desired.key, name);
            }
        }
        let (known, caught_up) = match known {
            Some(Cow::Borrowed(known)) => (Some(known), None),
            Some(Cow::Owned(known)) => (None, Some(Box::new(known))),
            None => (None, None),
        };
        Some(Ready {
            desired,
            known,
            caught_up,
            object,
        })
    }

    fn row(&mut self, kind: &'static Kind, mut row: Ready<'w>) {
        self.release_buttons(&mut row.desired);
        let caught_up = row.caught_up.map(|known| Cow::Owned(*known));
        match caught_up.or(row.known.map(Cow::Borrowed)) {
            Some(known) => self.known_row(kind, row.desired, known, row.object),
            None => self.new_row(kind, row.desired),
        }
    }

    /// What was last agreed on, with what earlier runs have done since.
    fn agreed(&self, desired: &Desired) -> Option<Cow<'w, Known>> {
        let known = self.world.known.get(&desired.key)?;
        if !self.journaled.has_changed(desired.key) {
            return Some(Cow::Borrowed(known));
        }
        let object = self.object_of(desired.key, known);
        let mut known = known.clone();
        self.journaled.catch_up(desired.key, &mut known, object);
        Some(Cow::Owned(known))
    }

    /// Whether an earlier run has deleted the object, which a row stood for.
    pub(super) fn is_deleted(&self, object: &ObjectKey) -> bool {
        self.void.iter().any(|row| {
            let known = self.world.known.get(row);
            known.is_some_and(|known| known.object_key(row.table) == *object)
        })
    }

    /// The object that was agreed on. What has its id after an earlier run has deleted it is another.
    pub(super) fn object_of(&self, row: RowKey, known: &Known) -> Option<&'w Object> {
        let position = self.objects.by_id(&known.object_key(row.table));
        let position = position.filter(|_| !self.void.contains(&row))?;
        Some(&self.world.actual[position])
    }

    pub(super) fn is_unread(&self, kind: &Kind, region: &Region) -> bool {
        let unread = &self.world.unread;
        !unread.is_empty() && unread.contains(&(kind.table, region.clone()))
    }

    pub(super) fn stands_for(&mut self, desired: &Desired, region: &Region, id: CloudId) {
        let bindings = &mut self.plan.bindings;
        bindings.place(desired.key, Place::Object(id.clone()));
        let object = ObjectKey {
            table: desired.key.table,
            region: region.clone(),
            id,
        };
        bindings.bind(object, desired.key);
    }

    pub(super) fn notice(&mut self, desired: &Desired, what: News) {
        self.plan.notices.push(Notice {
            key: desired.key,
            name: desired.row.name(),
            what,
        });
    }

    pub(super) fn refuse(&mut self, desired: &Desired, why: Because) {
        self.refused.insert(desired.key);
        self.plan.refusals.push(Refusal {
            key: desired.key,
            name: desired.row.name(),
            why,
        });
    }
}
