//! Which row stands for which object, and what a reference leads to.

use super::places::ObjectPositions;
use super::{Because, Desired};
use crate::compare::{self, block};
use crate::kind::{Catalog, Column, Kind, Type};
use crate::object::Object;
use crate::row::{CloudId, ObjectKey, Region, Row, RowKey};
use crate::value::{Ref, Value};
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write};

/// Where a row stands: what a reference to it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// For this object, which exists and stays.
    Object(CloudId),
    /// For an object that is still to be made; whether the old one goes first.
    ToBeMade {
        /// Whether the row's old object is deleted before the new one is made.
        delete_first: bool,
    },
}

/// Which row stands for which object.
#[derive(Clone, Default)]
pub struct Bindings {
    places: FxHashMap<RowKey, Place>,
    rows: FxHashMap<ObjectKey, RowKey>,
}

impl Bindings {
    /// Makes room for so many rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.places.reserve(rows);
        self.rows.reserve(rows);
    }

    /// Puts a row where references to it are resolved.
    pub fn place(&mut self, key: RowKey, place: Place) {
        self.places.insert(key, place);
    }

    /// Where the row stands.
    pub fn place_of(&self, key: &RowKey) -> Option<&Place> {
        self.places.get(key)
    }

    /// Binds a row to an object.
    pub fn bind(&mut self, object: ObjectKey, key: RowKey) {
        self.rows.insert(object, key);
    }

    /// The row that stands for the object.
    pub fn row_of(&self, object: &ObjectKey) -> Option<RowKey> {
        self.rows.get(object).copied()
    }
}

impl fmt::Debug for Bindings {
    /// In order, so that the same plan reads the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.places.iter().collect::<BTreeMap<_, _>>())
            .entries(self.rows.iter().collect::<BTreeMap<_, _>>())
            .finish()
    }
}

/// Rows by what references to them hold.
#[derive(Default)]
pub(crate) struct Names {
    rows: HashMap<(&'static str, &'static str, Region, String), RowKey>,
}

impl Names {
    /// Indexes every column that some reference leads to.
    pub(crate) fn new(catalog: &Catalog, desired: &[Desired]) -> Names {
        let referred = referred_columns(catalog);
        let mut rows = HashMap::new();
        for row in desired {
            for column in referred.get(row.key.table).into_iter().flatten() {
                if let Some(name) = row.row.text(column) {
                    let key = (row.key.table, *column, row.region.clone(), name.to_owned());
                    rows.insert(key, row.key);
                }
            }
        }
        Names { rows }
    }

    /// The row of this name.
    pub(crate) fn row(
        &self,
        kind: &Kind,
        column: &'static str,
        region: &Region,
        name: &str,
    ) -> Option<RowKey> {
        self.rows
            .get(&(kind.table, column, kind.place(region), name.to_owned()))
            .copied()
    }
}

/// The columns, other than ids, to which references lead, by table.
pub(crate) fn referred_columns(catalog: &Catalog) -> HashMap<&'static str, Vec<&'static str>> {
    let mut referred: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
    let kinds = catalog
        .kinds()
        .flat_map(|kind| std::iter::once(kind).chain(kind.parts().map(|(_, part)| part)));
    for reference in kinds
        .flat_map(|kind| kind.columns)
        .filter_map(|column| column.reference)
    {
        if reference.column != "id" {
            let columns = referred.entry(reference.table).or_default();
            if !columns.contains(&reference.column) {
                columns.push(reference.column);
            }
        }
    }
    referred
}

/// A reference that leads nowhere yet.
pub(crate) struct Unresolved {
    /// The row that it means, if there is one.
    pub(crate) target: Option<RowKey>,
    /// Why the row that refers cannot be applied, if the target is not to blame.
    pub(crate) why: Because,
}

/// Turns what the database holds in reference columns into references: to the object where it exists, else to the
/// row that will make it. All that can be resolved are; the first that cannot is the error.
pub(crate) fn resolve(
    row: &mut Row,
    region: &Region,
    catalog: &Catalog,
    names: &Names,
    bindings: &Bindings,
) -> Result<(), Unresolved> {
    let mut result = Ok(());
    for (position, column) in row.kind().columns.iter().enumerate() {
        if let Value::Parts(_) = row.at(position) {
            if let Value::Parts(parts) = row.at_mut(position) {
                for part in parts {
                    result = result.and(resolve(part, region, catalog, names, bindings));
                }
            }
            continue;
        }
        let Some(reference) = column.reference else {
            continue;
        };
        let kind = catalog.kind(reference.table);
        let value = row.at(position);
        let target = match (value, kind) {
            (Value::Null | Value::Ref(_), _) => continue,
            (Value::Int(id), Some(kind)) => Some(RowKey {
                table: kind.table,
                id: *id,
            }),
            (Value::Text(name), Some(kind)) => names.row(kind, reference.column, region, name),
            _ => None,
        };
        let place = target.and_then(|target| Some((target, bindings.place_of(&target)?)));
        match place {
            Some((_, Place::Object(id))) => *row.at_mut(position) = Value::object(id.clone()),
            Some((target, Place::ToBeMade { .. })) => {
                *row.at_mut(position) = Value::Ref(Ref::Row(target.into()));
            }
            None => {
                let why = Because::Dangling {
                    column: column.name,
                    table: reference.table,
                    value: value.to_json(),
                };
                result = result.and(Err(Unresolved { target, why }));
            }
        }
    }
    result
}

/// The natural key as one text; None for kinds without one, and while it refers to an object that does not exist.
pub fn natural_key(row: &Row) -> Option<String> {
    key(row, |_| true)
}

/// The part of the natural key that two objects must share to be in each other's way.
pub(crate) fn namespace(row: &Row) -> Option<String> {
    key(row, |column| !column.disjoint)
}

/// Whether two rows of one namespace cannot have an object each.
pub(crate) fn overlap(a: &Row, b: &Row) -> bool {
    let mut disjoint = a.kind().columns.iter().filter(|column| column.disjoint);
    disjoint.all(|column| match (a.text(column.name), b.text(column.name)) {
        (Some(a), Some(b)) => compare::overlap(a, b),
        _ => false,
    })
}

/// Whether AWS allows no two objects like these at once.
pub(crate) fn exclude_each_other(a: &Row, b: &Row) -> bool {
    let shared = namespace(a).is_some_and(|name| Some(name) == namespace(b));
    shared && overlap(a, b)
}

fn key(row: &Row, counts: impl Fn(&Column) -> bool) -> Option<String> {
    let mut key = String::new();
    let mut found = false;
    for (position, column) in row.kind().columns.iter().enumerate() {
        if !column.key {
            continue;
        }
        found = true;
        if !counts(column) {
            continue;
        }
        match row.at(position) {
            Value::Ref(Ref::Row(_)) => return None,
            Value::Text(text) => match block(text).filter(|_| matches!(column.ty, Type::Cidr)) {
                Some((address, length)) => {
                    let _ = write!(key, "{address}/{length}");
                }
                None => key.push_str(text),
            },
            Value::Null => key.push('\u{0}'),
            Value::Ref(Ref::Object(id)) => key.push_str(id.as_str()),
            value => key.push_str(&value.to_json().to_string()),
        }
        key.push('\u{1f}');
    }
    found.then_some(key)
}

/// Objects by what they are found by.
pub(crate) struct Objects<'w> {
    actual: &'w [Object],
    by_id: ObjectPositions<'w>,
    /// Made when it is first asked for: only rows without an object are found by their names.
    by_key: OnceCell<ByKey>,
    by_owner_tag: HashMap<String, usize>,
}

type ByKey = FxHashMap<(&'static str, Region, String), Vec<usize>>;

impl<'w> Objects<'w> {
    pub(crate) fn new(actual: &'w [Object]) -> Objects<'w> {
        let mut objects = Objects {
            actual,
            by_id: ObjectPositions::new(actual),
            by_key: OnceCell::new(),
            by_owner_tag: HashMap::new(),
        };
        for (position, object) in actual.iter().enumerate() {
            if let Some(tag) = &object.owner_tag {
                objects.by_owner_tag.insert(tag.clone(), position);
            }
        }
        objects
    }

    pub(crate) fn by_id(&self, key: &ObjectKey) -> Option<usize> {
        self.by_id.find(key)
    }

    /// The objects of this natural key, in the order of the world.
    pub(crate) fn by_key(&self, table: &'static str, region: &Region, key: String) -> &[usize] {
        self.by_key
            .get_or_init(|| self.keys())
            .get(&(table, region.clone(), key))
            .map_or(&[], Vec::as_slice)
    }

    fn keys(&self) -> ByKey {
        let mut keys = ByKey::default();
        for (position, object) in self.actual.iter().enumerate() {
            if let Some(key) = natural_key(&object.row) {
                keys.entry((object.kind().table, object.region.clone(), key))
                    .or_default()
                    .push(position);
            }
        }
        keys
    }

    pub(crate) fn by_owner_tag(&self, tag: &str) -> Option<usize> {
        self.by_owner_tag.get(tag).copied()
    }
}
