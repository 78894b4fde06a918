//! Which rows go when all records are deleted.

use crate::kind::Catalog;
use crate::object::Known;
use crate::plan::{Desired, bind::Names};
use crate::row::{Region, Row, RowKey};
use crate::value::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The rows to delete: all but those that are protected or that the account itself owns, and but those that a kept
/// row refers to.
pub fn rows_to_delete(
    catalog: &Catalog,
    desired: &[Desired],
    known: &BTreeMap<RowKey, Known>,
) -> Vec<RowKey> {
    let names = Names::new(catalog, desired);
    let rows: HashMap<RowKey, &Desired> = desired.iter().map(|row| (row.key, row)).collect();
    let mut kept: HashSet<RowKey> = HashSet::new();
    let mut next: Vec<RowKey> = desired
        .iter()
        .filter(|row| {
            let agreed = known.get(&row.key);
            row.protected || agreed.is_some_and(|known| known.protected || known.account_owned)
        })
        .map(|row| row.key)
        .collect();
    while let Some(key) = next.pop() {
        if let (true, Some(row)) = (kept.insert(key), rows.get(&key)) {
            targets(&row.row, &row.region, catalog, &names, &mut next);
        }
    }
    let mut gone: Vec<RowKey> = rows.into_keys().filter(|key| !kept.contains(key)).collect();
    gone.sort();
    gone
}

/// The rows that a row refers to.
fn targets(row: &Row, region: &Region, catalog: &Catalog, names: &Names, found: &mut Vec<RowKey>) {
    for (position, column) in row.kind().columns.iter().enumerate() {
        let kind = column
            .reference
            .and_then(|reference| Some((reference, catalog.kind(reference.table)?)));
        match (row.at(position), kind) {
            (Value::Parts(parts), _) => parts
                .iter()
                .for_each(|part| targets(part, region, catalog, names, found)),
            (Value::Int(id), Some((_, kind))) => found.push(RowKey {
                table: kind.table,
                id: *id,
            }),
            (Value::Text(name), Some((reference, kind))) => {
                found.extend(names.row(kind, reference.column, region, name));
            }
            _ => {}
        }
    }
}
