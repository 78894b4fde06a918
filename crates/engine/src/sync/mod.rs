//! The other direction: what sync will do to make the tables match the cloud.
//!
//! Sync undoes edits that were not applied, imports what no row stands for, and drops rows whose object is gone.

mod import;
mod room;
mod rows;
mod write;

pub use import::Import;
pub use room::{deletes_that_wait, renamed};

use crate::kind::Catalog;
use crate::object::{Known, Object};
use crate::plan::bind::{Names, Objects};
use crate::plan::journaled::{Journaled, void_agreements};
use crate::plan::places::KnownRows;
use crate::plan::{Action, Bindings, Desired, Difference, World};
use crate::row::{CloudId, ObjectKey, Region, Row, RowKey};
use rustc_hash::FxHashSet;
use std::collections::{HashMap, HashSet};
use write::Scribe;

/// What sync will do.
#[derive(Debug, Default)]
pub struct SyncPlan {
    /// The rows to write, each after the rows it refers to. Deletes come last.
    pub changes: Vec<RowChange>,
    /// Values that AWS changes by itself: written, not shown.
    pub refreshed: Vec<RowChange>,
    /// What is agreed on afterwards, where that changes.
    pub agree: Vec<(RowKey, Known)>,
    /// Rows that nothing is known about afterwards.
    pub forget: Vec<RowKey>,
    /// Steps of earlier runs (run and number) that leave no question afterwards.
    pub resolved: Vec<(String, u32)>,
}

/// A row to write.
#[derive(Debug, PartialEq)]
pub struct RowChange {
    /// Create, update or delete: of the row, not of the object.
    pub action: Action,
    /// The row. A row that does not exist yet has a negative id, which references to it hold too.
    pub key: RowKey,
    /// Where the object is.
    pub region: Region,
    /// The object's cloud id; None for a row that never had one.
    pub object: Option<CloudId>,
    /// The values as the database holds them: references are ids and names of rows.
    pub row: Row,
    /// The columns that change.
    pub columns: Vec<Difference>,
    /// Whether the row forbids deleting and replacing its object.
    pub protected: bool,
}

impl RowChange {
    /// A new row for an object.
    fn new(key: RowKey, object: &Object, row: Row, protected: bool) -> RowChange {
        RowChange {
            action: Action::Create,
            key,
            region: object.region.clone(),
            object: Some(object.id.clone()),
            row,
            columns: Vec::new(),
            protected,
        }
    }
}

/// Plans a sync.
pub fn plan_sync(mut world: World<'_>) -> SyncPlan {
    world.keep_protection();
    let desired = std::mem::take(&mut world.desired);
    // Whatever is found first is then the same in every order of the world.
    world.actual.sort_by(Object::compare_keys);
    let mut syncer = Syncer::new(&world, &desired);
    let kept = syncer.rows_that_stay(&desired);
    let mut rows: HashMap<&'static str, Vec<Desired>> = HashMap::new();
    for row in desired {
        rows.entry(row.key.table).or_default().push(row);
    }
    let mut objects: HashMap<&'static str, Vec<usize>> = HashMap::new();
    for (position, object) in world.actual.iter().enumerate() {
        let of_table = objects.entry(object.kind().table).or_default();
        of_table.push(position);
    }
    let mut deletes = Vec::new();
    for kind in world.catalog.kinds() {
        let mut rows = rows.remove(kind.table).unwrap_or_default();
        rows.sort_by_key(|row| row.key);
        syncer.rows(kind, rows, &mut deletes);
        for position in objects.remove(kind.table).unwrap_or_default() {
            syncer.import(kind, position);
        }
    }
    deletes.retain(|delete| !kept.contains(&delete.key));
    for key in world.known.keys().filter(|key| !kept.contains(key)) {
        syncer.forget_if_gone(*key);
    }
    let mut plan = syncer.plan;
    plan.resolved = resolved(&world);
    deletes.reverse();
    plan.changes.extend(deletes);
    plan
}

/// What was read shows what came of every step there.
fn resolved(world: &World<'_>) -> Vec<(String, u32)> {
    let read = world.intents.iter().filter(|intent| {
        let place = (intent.key.table, intent.region.clone());
        !world.unread.contains(&place)
    });
    read.map(|intent| (intent.run.clone(), intent.step))
        .collect()
}

struct Syncer<'w> {
    world: &'w World<'w>,
    names: Names,
    objects: Objects<'w>,
    journaled: Journaled<'w>,
    /// The row that was agreed on for each object.
    known_rows: KnownRows<'w>,
    /// Rows whose object an earlier run has deleted.
    void: HashSet<RowKey>,
    living: FxHashSet<RowKey>,
    bindings: Bindings,
    /// Rows that are left as they are, because nothing is known of their objects.
    untouched: HashMap<RowKey, Row>,
    new_rows: i64,
    plan: SyncPlan,
}

impl<'w> Syncer<'w> {
    fn new(world: &'w World<'w>, desired: &[Desired]) -> Syncer<'w> {
        let objects = Objects::new(&world.actual);
        let void = void_agreements(&world.intents, &world.known);
        let known = world.known.iter();
        let known_rows = KnownRows::new(known.filter(|(key, _)| !void.contains(key)));
        let is_known = |object: &ObjectKey| known_rows.contains(object);
        Syncer {
            names: Names::new(world.catalog, desired),
            journaled: Journaled::new(&world.intents, &world.actual, &objects, is_known),
            objects,
            known_rows,
            void,
            living: desired.iter().map(|row| row.key).collect(),
            world,
            bindings: Bindings::default(),
            untouched: HashMap::new(),
            new_rows: 0,
            plan: SyncPlan::default(),
        }
    }

    /// What was agreed on with the row, while that means anything.
    fn known(&self, row: RowKey) -> Option<&'w Known> {
        let known = self.world.known.get(&row);
        known.filter(|_| !self.void.contains(&row))
    }

    fn is_unread(&self, table: &'static str, region: &Region) -> bool {
        self.world.unread.contains(&(table, region.clone()))
    }

    /// The region in which the row's object was last seen.
    fn place<'a>(&'a self, row: &'a Desired) -> &'a Region {
        let known: Option<&Known> = self.world.known.get(&row.key);
        known.map_or(&row.region, |known| &known.region)
    }
}

impl Scribe for Syncer<'_> {
    fn catalog(&self) -> &Catalog {
        self.world.catalog
    }

    fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    fn named(&self, row: RowKey, object: &ObjectKey) -> Option<&Row> {
        let untouched = self.untouched.get(&row);
        let read = self.objects.by_id(object);
        untouched.or(read.map(|position| &self.world.actual[position].row))
    }
}
