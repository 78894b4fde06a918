//! The other direction: what sync will do to make the tables match the cloud.
//!
//! Sync undoes edits that were not applied, imports what no row stands for, and drops rows whose object is gone.

use crate::compare::{leaves_the_choice, same};
use crate::kind::{Change, Kind};
use crate::object::{Known, Object, Owner};
use crate::plan::{
    Action, Cause, Desired, Difference, Place, World, bind, difference, natural_key,
};
use crate::row::{ObjectKey, Region, Row, RowKey};
use crate::value::{Ref, Value};
use std::collections::{BTreeSet, HashMap, HashSet};

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
    pub object: Option<crate::CloudId>,
    /// The values as the database holds them: references are ids and names of rows.
    pub row: Row,
    /// The columns that change.
    pub columns: Vec<Difference>,
}

/// Plans a sync.
pub fn plan_sync(mut world: World<'_>) -> SyncPlan {
    let mut rows: HashMap<&'static str, Vec<Desired>> = HashMap::new();
    let desired = std::mem::take(&mut world.desired);
    let names = bind::Names::new(world.catalog, &desired);
    for row in desired {
        rows.entry(row.key.table).or_default().push(row);
    }
    let mut objects: HashMap<&'static str, Vec<usize>> = HashMap::new();
    for (position, object) in world.actual.iter().enumerate() {
        objects
            .entry(object.kind().table)
            .or_default()
            .push(position);
    }
    let mut syncer = Syncer {
        by_what: bind::Objects::new(&world.actual),
        known_rows: world
            .known
            .iter()
            .map(|(key, known)| (object_key(key.table, known), *key))
            .collect(),
        living: rows.values().flatten().map(|row| row.key).collect(),
        world: &world,
        names,
        bindings: bind::Bindings::default(),
        new_rows: 0,
        plan: SyncPlan::default(),
    };
    let mut deletes = Vec::new();
    for kind in world.catalog.kinds() {
        let mut rows = rows.remove(kind.table).unwrap_or_default();
        rows.sort_by_key(|row| row.key);
        syncer.bind_rows(kind, rows, &mut deletes);
        let mut objects = objects.remove(kind.table).unwrap_or_default();
        objects.sort_by_key(|position| world.actual[*position].key());
        for position in objects {
            syncer.import(kind, &world.actual[position]);
        }
    }
    for key in world.known.keys() {
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
    names: bind::Names,
    by_what: bind::Objects,
    known_rows: HashMap<ObjectKey, RowKey>,
    living: HashSet<RowKey>,
    bindings: bind::Bindings,
    new_rows: i64,
    plan: SyncPlan,
}

fn object_key(table: &'static str, known: &Known) -> ObjectKey {
    ObjectKey {
        table,
        region: known.region.clone(),
        id: known.id.clone(),
    }
}

impl<'w> Syncer<'w> {
    /// Finds the object of each row of a kind, then compares: the rows of a kind may refer to each other.
    fn bind_rows(&mut self, kind: &'static Kind, rows: Vec<Desired>, deletes: &mut Vec<RowChange>) {
        let mut bound = Vec::new();
        for mut row in rows {
            let written = row.row.clone();
            let known = self.world.known.get(&row.key);
            let place = known.map_or(&row.region, |known| &known.region);
            let unread =
                |region: &Region| self.world.unread.contains(&(kind.table, region.clone()));
            if unread(place) || unread(&row.region) {
                if let Some(known) = known {
                    self.bind(row.key, object_key(kind.table, known));
                }
                continue;
            }
            // An edit that leads nowhere is undone like any other.
            let _ = bind::resolve(
                &mut row.row,
                &row.region,
                self.world.catalog,
                &self.names,
                &self.bindings,
            );
            match self.object_of(kind, &row) {
                Found::Object(object) => {
                    self.bind(row.key, object.key());
                    bound.push((row, object));
                }
                Found::Unsaid(key) => self.bind(row.key, key),
                Found::Nothing => deletes.push(RowChange {
                    action: Action::Delete,
                    key: row.key,
                    region: row.region.clone(),
                    object: known.map(|known| known.id.clone()),
                    row: written,
                    columns: Vec::new(),
                }),
            }
        }
        for (row, object) in bound {
            self.update(row, object);
        }
    }

    fn bind(&mut self, key: RowKey, object: ObjectKey) {
        self.bindings.place(key, Place::Object(object.id.clone()));
        self.bindings.bind(object, key);
    }

    fn object_of(&self, kind: &'static Kind, row: &Desired) -> Found<'w> {
        if let Some(known) = self.world.known.get(&row.key) {
            let key = object_key(kind.table, known);
            return match self.by_what.by_id(&key) {
                Some(position) => Found::Object(&self.world.actual[position]),
                None if self.world.unsaid.contains(&key) => Found::Unsaid(key),
                None => Found::Nothing,
            };
        }
        let Some(name) = natural_key(&row.row) else {
            return Found::Nothing;
        };
        let positions = self.by_what.by_key(kind.table, &row.region, name);
        let free = positions.iter().find(|position| {
            let key = self.world.actual[**position].key();
            let held = self
                .known_rows
                .get(&key)
                .is_some_and(|row| self.living.contains(row));
            !held && self.bindings.row_of(&key).is_none()
        });
        match free {
            Some(position) => Found::Object(&self.world.actual[*position]),
            None => Found::Nothing,
        }
    }

    fn update(&mut self, row: Desired, object: &'w Object) {
        let mut aligned = object.row.clone();
        if let Some(align) = row.row.kind().align {
            align(&mut aligned, &row.row);
        }
        let mut columns = Vec::new();
        let mut volatile = false;
        for (position, column) in row.row.kind().columns.iter().enumerate() {
            let (held, actual) = (row.row.at(position), aligned.at(position));
            let actual = self.known_references(column, object, actual);
            let same = column.change == Change::Button && *held == Value::Bool(false)
                || same(column, held, &actual)
                || leaves_the_choice(column, held) && leaves_the_choice(column, &actual);
            if same {
                continue;
            }
            if column.volatile {
                volatile = true;
            } else {
                columns.push(difference(column, held, &actual, Cause::Drift));
            }
        }
        if row.region != object.region {
            columns.push(Difference {
                column: "region",
                change: Change::Replace,
                before: row.region.as_str().into(),
                after: object.region.as_str().into(),
                cause: Cause::Drift,
            });
        }
        self.agree_on(row.key, object, &columns, row.protected);
        if columns.is_empty() && !volatile {
            return;
        }
        let change = RowChange {
            action: Action::Update,
            key: row.key,
            region: object.region.clone(),
            object: Some(object.id.clone()),
            row: self.written(&aligned, object),
            columns,
        };
        if change.columns.is_empty() {
            self.plan.refreshed.push(change);
        } else {
            self.plan.changes.push(change);
        }
    }

    fn import(&mut self, kind: &'static Kind, object: &'w Object) {
        let object_key = object.key();
        if self.bindings.row_of(&object_key).is_some() {
            return;
        }
        // A row that was deleted and not applied comes back under its own id.
        let key = self.known_rows.get(&object_key).copied();
        let key = key
            .filter(|key| !self.living.contains(key))
            .unwrap_or_else(|| {
                self.new_rows -= 1;
                RowKey {
                    table: kind.table,
                    id: self.new_rows,
                }
            });
        let row = self.written(&object.row, object);
        let homeless = kind.columns.iter().enumerate().any(|(position, column)| {
            column.key
                && column.reference.is_some()
                && row.at(position).is_null()
                && !object.row.at(position).is_null()
        });
        if homeless {
            return;
        }
        self.bind(key, object_key);
        let protected = self
            .world
            .known
            .get(&key)
            .is_some_and(|known| known.protected);
        self.agree_on(key, object, &[], protected);
        self.plan.changes.push(RowChange {
            action: Action::Create,
            key,
            region: object.region.clone(),
            object: Some(object.id.clone()),
            row,
            columns: Vec::new(),
        });
    }

    fn agree_on(&mut self, key: RowKey, object: &Object, undone: &[Difference], protected: bool) {
        let before = self.world.known.get(&key);
        let ours = || {
            self.world
                .intents
                .iter()
                .any(|intent| intent.cloud_id.as_ref() == Some(&object.id))
        };
        let mut owned: BTreeSet<String> =
            before.map_or_else(BTreeSet::new, |known| known.owned.clone());
        for column in undone {
            owned.remove(column.column);
        }
        let known = Known {
            region: object.region.clone(),
            id: object.id.clone(),
            row: object.row.clone(),
            owned,
            made: before.map_or_else(ours, |known| known.made),
            protected,
            account_owned: object.owner == Owner::Account,
        };
        if before != Some(&known) {
            self.plan.agree.push((key, known));
        }
    }

    fn forget_if_gone(&mut self, key: RowKey) {
        let Some(known) = self.world.known.get(&key) else {
            return;
        };
        let object = object_key(key.table, known);
        let unread = self
            .world
            .unread
            .contains(&(key.table, known.region.clone()));
        let stays = self.bindings.row_of(&object) == Some(key)
            || unread
            || self.world.catalog.kind(key.table).is_none();
        if !stays {
            self.plan.forget.push(key);
        }
    }

    /// The value with references only as far as some row stands for their object; NULL where none does.
    fn known_references(
        &self,
        column: &'static crate::Column,
        object: &Object,
        value: &Value,
    ) -> Value {
        match (column.reference, value) {
            (Some(reference), Value::Ref(Ref::Object(id)))
                if self.target(reference.table, object, id).is_none() =>
            {
                Value::Null
            }
            (None, Value::Parts(parts)) => {
                let mut parts = parts.clone();
                for part in &mut parts {
                    for (position, column) in part.kind().columns.iter().enumerate() {
                        let value = part.at(position).clone();
                        *part.at_mut(position) = self.known_references(column, object, &value);
                    }
                }
                Value::Parts(parts)
            }
            _ => value.clone(),
        }
    }

    fn target(
        &self,
        table: &'static str,
        object: &Object,
        id: &crate::CloudId,
    ) -> Option<(RowKey, ObjectKey)> {
        let kind = self.world.catalog.kind(table)?;
        let key = ObjectKey {
            table: kind.table,
            region: match kind.scope {
                crate::kind::Scope::Global => Region::default(),
                crate::kind::Scope::Regional => object.region.clone(),
            },
            id: id.clone(),
        };
        Some((self.bindings.row_of(&key)?, key))
    }

    /// The row as the database holds it.
    fn written(&self, row: &Row, object: &Object) -> Row {
        let mut written = row.clone();
        for (position, column) in row.kind().columns.iter().enumerate() {
            let value = written.at_mut(position);
            match (column.reference, &mut *value) {
                (Some(reference), Value::Ref(Ref::Object(id))) => {
                    let target = self.target(reference.table, object, id);
                    *value = match target {
                        None => Value::Null,
                        Some((key, _)) if reference.column == "id" => Value::Int(key.id),
                        Some((_, target)) => match self.by_what.by_id(&target) {
                            Some(position) => self.world.actual[position]
                                .row
                                .get(reference.column)
                                .clone(),
                            None => Value::Null,
                        },
                    };
                }
                (None, Value::Parts(parts)) => {
                    for part in parts {
                        *part = self.written(part, object);
                    }
                }
                _ => {}
            }
        }
        written
    }
}

enum Found<'w> {
    Object(&'w Object),
    Unsaid(ObjectKey),
    Nothing,
}
