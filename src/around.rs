//! The part of the world that a change in place needs: the changed rows, and what they refer to.

use crate::changes::Notes;
use crate::report::Problem;
use crate::sql::{self, Snapshot};
use crate::store;
use crate::tables::{self, Table};
use crate::world::{Rows, Scene};
use iasql_engine::plan::Desired;
use iasql_engine::{Region, RowKey, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Reads the rows that the notes name, and all that these refer to. None where that is not enough to plan by: a row is
/// new or gone, has parts, or refers no more to what it did.
pub fn read(scene: &Scene, notes: Notes, snapshot: &Snapshot) -> Result<Option<Rows>, Problem> {
    let Some(changed) = notes.rows().cloned() else {
        return Ok(None);
    };
    let mut read: BTreeMap<RowKey, Desired> = BTreeMap::new();
    let mut wanted = changed.clone();
    while !wanted.is_empty() {
        let mut next = BTreeSet::new();
        for table in scene.wholes() {
            let ids: Vec<i64> = of(table, &wanted).collect();
            if ids.is_empty() {
                continue;
            }
            let rows = tables::read_some(table, &ids, snapshot)?;
            if rows.len() < ids.len() || table.kind.parts().next().is_some() {
                return Ok(None);
            }
            for row in rows {
                next.extend(referred(scene, &row));
                read.insert(row.key, row);
            }
        }
        next.retain(|key| !read.contains_key(key));
        wanted = next;
    }
    let known = store::read_known_of(read.keys(), snapshot)?;
    let says_less = |key: &RowKey| match (read.get(key), known.get(key)) {
        (Some(row), Some(known)) => {
            let positions = 0..row.row.kind().columns.len();
            let gone =
                |at: usize| row.row.at(at).is_null() && matches!(known.row.at(at), Value::Ref(_));
            positions.into_iter().any(gone)
        }
        _ => true,
    };
    if changed.iter().any(says_less) {
        return Ok(None);
    }
    Ok(Some(Rows {
        desired: read.into_values().collect(),
        known,
        intents: Vec::new(),
        notes,
        deleted: store::deleted_lately(),
    }))
}

fn of<'a>(table: &'a Table, keys: &'a BTreeSet<RowKey>) -> impl Iterator<Item = i64> + 'a {
    keys.iter()
        .filter(|key| key.table == table.kind.table)
        .map(|key| key.id)
}

/// The rows that a row refers to.
fn referred(scene: &Scene, row: &Desired) -> Vec<RowKey> {
    let columns = row.row.kind().columns.iter().enumerate();
    columns
        .filter_map(|(position, column)| Some((row.row.at(position), column.reference?)))
        .filter_map(|(value, reference)| {
            let table = scene.table(reference.table)?;
            let id = match value {
                Value::Int(id) => Some(*id),
                Value::Text(name) => named(table, reference.column, name, &row.region),
                _ => None,
            };
            let table = table.kind.table;
            id.map(|id| RowKey { table, id })
        })
        .collect()
}

/// The id of the row of this name.
fn named(table: &Table, column: &str, name: &str, region: &Region) -> Option<i64> {
    let (column, id) = (sql::quoted(column), sql::quoted(table.id_column));
    let mut statement = format!(
        "SELECT {id} FROM {} WHERE {column} OPERATOR(pg_catalog.=) $1",
        table.name
    );
    let mut parameters = vec![Some(name)];
    if table.is_regional() {
        statement.push_str(" AND region OPERATOR(pg_catalog.=) $2");
        parameters.push(Some(region.as_str()));
    }
    let rows = table.query(&statement, &parameters);
    rows.into_iter().flatten().flatten().next()?.parse().ok()
}
