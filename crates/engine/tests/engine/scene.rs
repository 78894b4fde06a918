//! Worlds, told line by line.

use crate::kinds::catalog;
use iasql_engine::journal::Intent;
use iasql_engine::kind::Scope;
use iasql_engine::plan::{Desired, Plan, Rules, Step, Work, World, plan};
use iasql_engine::sync::{SyncPlan, plan_sync};
use iasql_engine::{Catalog, Kind, Known, Object, Ref, Region, Row, RowKey, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The region of whatever is not said to be elsewhere.
pub const EAST: &str = "us-east-2";
/// Elsewhere.
pub const WEST: &str = "us-west-1";

/// A world to be planned.
#[derive(Clone)]
pub struct Scene {
    pub catalog: Catalog,
    pub desired: Vec<Desired>,
    pub known: BTreeMap<RowKey, Known>,
    pub actual: Vec<Object>,
    pub unread: BTreeSet<(&'static str, Region)>,
    pub unsaid: BTreeSet<iasql_engine::ObjectKey>,
    pub intents: Vec<Intent>,
    pub rules: Rules,
}

/// Where rows of the kind are.
pub fn region(kind: &Kind) -> Region {
    match kind.scope {
        Scope::Global => Region::default(),
        Scope::Regional => EAST.into(),
    }
}

/// An object in its kind's place.
pub fn object(id: &str, row: Row) -> Object {
    Object::new(&region(row.kind()), id, with_id(id, row))
}

/// The row with the cloud id in the columns that show it.
fn with_id(id: &str, mut row: Row) -> Row {
    for column in row.kind().columns.iter().filter(|column| column.cloud_id) {
        row.set(column.name, id);
    }
    row
}

/// What was agreed on where a row and this object are the same, and found, not made.
pub fn known(object: &Object) -> Known {
    Known::found(object)
}

pub fn key(kind: &Kind, id: i64) -> RowKey {
    RowKey {
        table: kind.table,
        id,
    }
}

impl Scene {
    pub fn new() -> Scene {
        Scene {
            catalog: catalog(),
            desired: Vec::new(),
            known: BTreeMap::new(),
            actual: Vec::new(),
            unread: BTreeSet::new(),
            unsaid: BTreeSet::new(),
            intents: Vec::new(),
            rules: Rules::default(),
        }
    }

    /// A row, as the database holds it.
    pub fn row(mut self, id: i64, row: Row) -> Scene {
        self.desired.push(Desired {
            key: key(row.kind(), id),
            region: region(row.kind()),
            row,
            protected: false,
        });
        self
    }

    /// An object.
    pub fn object(self, id: &str, row: Row) -> Scene {
        self.with(object(id, row))
    }

    pub fn with(mut self, object: Object) -> Scene {
        self.actual.push(object);
        self
    }

    /// A last agreement of a row, which may be gone, about an object, which may be gone.
    pub fn agreed(mut self, id: i64, object: &Object) -> Scene {
        self.known.insert(key(object.kind(), id), known(object));
        self
    }

    /// A row, its object and their agreement, all the same.
    pub fn settled(self, id: i64, cloud_id: &str, row: Row) -> Scene {
        let object = object(cloud_id, row);
        self.settled_object(id, object)
    }

    pub fn settled_object(mut self, id: i64, object: Object) -> Scene {
        let row = self.as_row(&object);
        self.desired.push(Desired {
            key: key(object.kind(), id),
            region: object.region.clone(),
            row,
            protected: false,
        });
        self.agreed(id, &object).with(object)
    }

    /// The object's values as the database holds them.
    fn as_row(&self, object: &Object) -> Row {
        fn written(scene: &Scene, mut row: Row) -> Row {
            for (position, column) in row.kind().columns.iter().enumerate() {
                match (row.at(position).clone(), column.reference) {
                    (Value::Ref(Ref::Object(id)), Some(reference)) => {
                        let target = scene
                            .known
                            .iter()
                            .find(|(key, known)| key.table == reference.table && known.id == id);
                        *row.at_mut(position) = match (target, reference.column) {
                            (Some((key, _)), "id") => Value::Int(key.id),
                            (Some((_, known)), name) => known.row.get(name).clone(),
                            (None, _) => Value::Null,
                        };
                    }
                    (Value::Parts(parts), _) => {
                        let parts = parts.into_iter().map(|part| written(scene, part));
                        *row.at_mut(position) = Value::Parts(parts.collect());
                    }
                    _ => {}
                }
            }
            row
        }
        written(self, object.row.clone())
    }

    /// Changes the row of this id.
    pub fn edit(mut self, kind: &Kind, id: i64, change: impl FnOnce(&mut Desired)) -> Scene {
        let key = key(kind, id);
        let row = self.desired.iter_mut().find(|row| row.key == key);
        change(row.expect("there is such a row"));
        self
    }

    pub fn set(self, kind: &Kind, id: i64, column: &str, value: impl Into<Value>) -> Scene {
        self.edit(kind, id, |desired| desired.row.set(column, value))
    }

    /// Deletes the row of this id.
    pub fn delete(mut self, kind: &Kind, id: i64) -> Scene {
        let key = key(kind, id);
        self.desired.retain(|row| row.key != key);
        self
    }

    /// Somebody else changes the object of this id.
    pub fn drift(mut self, id: &str, column: &str, value: impl Into<Value>) -> Scene {
        let object = self
            .actual
            .iter_mut()
            .find(|object| object.id.as_str() == id);
        object
            .expect("there is such an object")
            .row
            .set(column, value);
        self
    }

    /// Somebody else deletes the object of this id.
    pub fn gone(mut self, id: &str) -> Scene {
        self.actual.retain(|object| object.id.as_str() != id);
        self
    }

    /// Changes the last agreement of this row.
    pub fn agree(mut self, kind: &Kind, id: i64, change: impl FnOnce(&mut Known)) -> Scene {
        change(
            self.known
                .get_mut(&key(kind, id))
                .expect("there is such an agreement"),
        );
        self
    }

    /// We made the row's object.
    pub fn made(self, kind: &Kind, id: i64) -> Scene {
        self.agree(kind, id, |known| known.made = true)
    }

    /// We have set the column.
    pub fn owns(self, kind: &Kind, id: i64, column: &str) -> Scene {
        self.agree(kind, id, |known| {
            known.owned.insert(column.to_owned());
        })
    }

    pub fn rules(mut self, change: impl FnOnce(&mut Rules)) -> Scene {
        change(&mut self.rules);
        self
    }

    pub fn unread(mut self, kind: &'static Kind) -> Scene {
        self.unread.insert((kind.table, region(kind)));
        self
    }

    pub fn intends(mut self, intent: Intent) -> Scene {
        self.intents.push(intent);
        self
    }

    pub fn world(&self) -> World<'_> {
        World {
            catalog: &self.catalog,
            desired: self.desired.clone(),
            known: self.known.clone(),
            actual: self.actual.clone(),
            unread: self.unread.clone(),
            unsaid: self.unsaid.clone(),
            intents: self.intents.clone(),
        }
    }

    pub fn plan(&self) -> Plan {
        plan(self.world(), &self.rules)
    }

    /// The steps of a plan that nothing refuses, a line each.
    pub fn steps(&self) -> Vec<String> {
        let plan = self.plan();
        assert_eq!(plan.refusals, [], "the plan is refused");
        plan.steps.iter().map(line).collect()
    }

    pub fn sync(&self) -> SyncPlan {
        plan_sync(self.world())
    }
}

/// A step in a line: `update log_group 1: retention 7 → 14 (row changed)`.
pub fn line(step: &Step) -> String {
    let verb = match (step.work, step.shown) {
        (Work::Delete, false) => "… delete".to_owned(),
        _ => step.action.to_string(),
    };
    let mut line = format!("{verb} {} {}", step.kind.table, step.key.id);
    if matches!(step.work, Work::Update) || step.action.to_string() == "replace" && step.shown {
        let changes = step.changes.iter().map(|change| {
            format!(
                "{} {} → {} ({})",
                change.column, change.before, change.after, change.cause
            )
        });
        line += &format!(": {}", changes.collect::<Vec<_>>().join(", "));
    }
    line
}
