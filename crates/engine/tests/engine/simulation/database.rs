//! The tables: what a transaction writes into them, all of it or nothing.

use iasql_engine::kind::Type;
use iasql_engine::plan::{Action, Desired, Effects, WriteBack};
use iasql_engine::sync::{RowChange, SyncPlan};
use iasql_engine::{Catalog, Kind, Known, Object, ObjectKey, Ref, Region, Row, RowKey, Value};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The tables as a transaction sees them. A clone is a transaction; dropping it rolls it back.
#[derive(Debug, Clone, Default)]
pub struct Database {
    pub rows: BTreeMap<RowKey, Desired>,
    pub known: BTreeMap<RowKey, Known>,
    pub resolved: BTreeSet<(String, u32)>,
    /// Sequences are never rolled back.
    ids: Rc<Cell<i64>>,
}

impl Database {
    pub fn new_id(&self) -> i64 {
        self.ids.set(self.ids.get() + 1);
        self.ids.get()
    }

    /// The values of a row, as a plan gets them.
    pub fn desired(&self) -> Vec<Desired> {
        self.rows.values().cloned().collect()
    }

    /// Writes what needs no call. What is put back refers to the rows that stand for its objects from now on.
    pub fn write(&mut self, effects: &Effects) {
        for key in &effects.forget {
            self.known.remove(key);
        }
        for (key, known) in &effects.agree {
            self.known.insert(*key, known.clone());
        }
        for (key, object) in &effects.restore {
            let row = self.as_written(&object.row, &object.region);
            self.rows.insert(
                *key,
                Desired {
                    key: *key,
                    region: object.region.clone(),
                    row,
                    protected: false,
                },
            );
        }
        for WriteBack { key, column, value } in &effects.write_back {
            let region = self.rows[key].region.clone();
            let mut row = Row::new(self.rows[key].row.kind()).with(column, value.clone());
            row = self.as_written(&row, &region);
            let desired = self.rows.get_mut(key).expect("the row is locked");
            desired.row.set(column, row.get(column).clone());
        }
        self.resolved.extend(effects.resolved.iter().cloned());
    }

    /// Gives a row to an object.
    pub fn import(&mut self, object: &Object) {
        let key = RowKey {
            table: object.kind().table,
            id: self.new_id(),
        };
        let desired = Desired {
            key,
            region: object.region.clone(),
            row: self.as_written(&object.row, &object.region),
            protected: false,
        };
        self.rows.insert(key, desired);
        self.known.insert(key, crate::scene::known(object));
    }

    /// The row with the ids and names of rows in place of cloud ids.
    fn as_written(&self, row: &Row, region: &Region) -> Row {
        let mut written = row.clone();
        for (position, column) in row.kind().columns.iter().enumerate() {
            let value = match (row.at(position), column.reference) {
                (Value::Ref(Ref::Object(id)), Some(reference)) => {
                    let target = self.known.iter().find(|(key, known)| {
                        key.table == reference.table
                            && known.id == *id
                            && (known.region == *region || known.region.as_str().is_empty())
                    });
                    match (target, reference.column) {
                        (None, _) => Value::Null,
                        (Some((key, _)), "id") => Value::Int(key.id),
                        (Some((key, _)), name) => self
                            .rows
                            .get(key)
                            .map_or(Value::Null, |row| row.row.get(name).clone()),
                    }
                }
                (Value::Parts(parts), _) => {
                    let parts = parts.iter().map(|part| self.as_written(part, region));
                    Value::Parts(parts.collect())
                }
                (value, _) => value.clone(),
            };
            *written.at_mut(position) = value;
        }
        written
    }

    /// Writes what a sync found.
    pub fn write_sync(&mut self, plan: &SyncPlan) {
        let mut ids: BTreeMap<RowKey, i64> = BTreeMap::new();
        for change in &plan.changes {
            if change.key.id < 0 {
                ids.insert(change.key, self.new_id());
            }
        }
        let given = |key: RowKey| RowKey {
            id: ids.get(&key).copied().unwrap_or(key.id),
            ..key
        };
        for change in plan.changes.iter().chain(&plan.refreshed) {
            let key = given(change.key);
            let row = with_ids(&change.row, &ids);
            match change.action {
                Action::Delete => drop(self.rows.remove(&key)),
                Action::Create => {
                    let desired = Desired {
                        key,
                        region: change.region.clone(),
                        row,
                        protected: false,
                    };
                    assert!(self.rows.insert(key, desired).is_none(), "{key} is there");
                }
                _ => self.update(key, change, &row),
            }
        }
        for key in &plan.forget {
            self.known.remove(key);
        }
        for (key, known) in &plan.agree {
            self.known.insert(given(*key), known.clone());
        }
        self.resolved.extend(plan.resolved.iter().cloned());
    }

    fn update(&mut self, key: RowKey, change: &RowChange, row: &Row) {
        let kind = row.kind();
        for column in kind.columns {
            let is_shown = change.columns.iter().any(|it| it.column == column.name);
            if is_shown || change.columns.is_empty() && column.volatile {
                let desired = self.rows.get_mut(&key).expect("there is such a row");
                let old = desired.row.get(column.name).clone();
                let new = row.get(column.name);
                desired.row.set(column.name, new.clone());
                self.cascade(kind, &change.region, column.name, &old, new);
            }
        }
        if change.columns.iter().any(|it| it.column == "region") {
            let desired = self.rows.get_mut(&key).expect("there is such a row");
            desired.region = change.region.clone();
        }
    }

    /// ON UPDATE CASCADE.
    pub fn cascade(
        &mut self,
        kind: &Kind,
        region: &Region,
        column: &str,
        old: &Value,
        new: &Value,
    ) {
        for other in self.rows.values_mut() {
            if kind.place(&other.region) == *region {
                rename(&mut other.row, kind.table, column, old, new);
            }
        }
    }

    /// What the tables' own constraints refuse: two rows of one name, and references that lead nowhere.
    pub fn check(&self, catalog: &Catalog) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for row in self.rows.values() {
            let name = name(&row.row);
            if let Some(name) = name
                && !names.insert((row.key.table, row.region.clone(), name.clone()))
            {
                return Err(format!("two rows of {} are named {name}", row.key.table));
            }
            self.check_references(catalog, &row.row, &row.region)?;
        }
        Ok(())
    }

    fn check_references(
        &self,
        catalog: &Catalog,
        row: &Row,
        region: &Region,
    ) -> Result<(), String> {
        for (position, column) in row.kind().columns.iter().enumerate() {
            let value = row.at(position);
            if let (Type::Parts(_), Value::Parts(parts)) = (column.ty, value) {
                for part in parts {
                    self.check_references(catalog, part, region)?;
                }
            }
            if column.reference.is_some() && !value.is_null() {
                self.target(catalog, column, value, region)
                    .ok_or_else(|| format!("{} leads nowhere: {value:?}", column.name))?;
            }
        }
        Ok(())
    }

    /// The row that a reference leads to.
    pub fn target(
        &self,
        catalog: &Catalog,
        column: &iasql_engine::Column,
        value: &Value,
        region: &Region,
    ) -> Option<RowKey> {
        let reference = column.reference?;
        let kind = catalog.kind(reference.table)?;
        let place = kind.place(region);
        let mut rows = self
            .rows
            .values()
            .filter(|row| row.key.table == kind.table && row.region == place);
        let found = rows.find(|row| match value {
            Value::Int(id) => row.key.id == *id,
            Value::Text(name) => row.row.text(reference.column) == Some(name),
            _ => false,
        })?;
        Some(found.key)
    }

    /// The objects that rows stand for.
    pub fn objects(&self) -> BTreeSet<ObjectKey> {
        let known = self.known.iter();
        known
            .map(|(key, known)| known.object_key(key.table))
            .collect()
    }
}

/// The natural key of a row as the database holds it.
fn name(row: &Row) -> Option<String> {
    let keys = row.kind().columns.iter().enumerate();
    let keys: Vec<String> = keys
        .filter(|(_, column)| column.key)
        .map(|(position, _)| format!("{:?}", row.at(position)))
        .collect();
    (!keys.is_empty()).then(|| keys.join(" "))
}

fn rename(row: &mut Row, table: &str, column: &str, old: &Value, new: &Value) {
    for (position, it) in row.kind().columns.iter().enumerate() {
        match (it.reference, row.at_mut(position)) {
            (Some(reference), value)
                if reference.table == table && reference.column == column && value == old =>
            {
                *value = new.clone();
            }
            (_, Value::Parts(parts)) => {
                for part in parts {
                    rename(part, table, column, old, new);
                }
            }
            _ => {}
        }
    }
}

/// New rows have negative numbers in a plan; here they get theirs.
fn with_ids(row: &Row, ids: &BTreeMap<RowKey, i64>) -> Row {
    let mut row = row.clone();
    for (position, column) in row.kind().columns.iter().enumerate() {
        match (row.at_mut(position), column.reference) {
            (Value::Int(id), Some(reference)) if *id < 0 => {
                let key = RowKey {
                    table: reference.table,
                    id: *id,
                };
                *id = ids[&key];
            }
            (Value::Parts(parts), _) => {
                for part in parts {
                    *part = with_ids(part, ids);
                }
            }
            _ => {}
        }
    }
    row
}
