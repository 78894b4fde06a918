//! What a run tells the rows: values that AWS has filled, and the rows that stand for other objects.

use crate::tables::Table;
use crate::world::Scene;
use crate::write::{self, Whole};
use crate::{sql, store};
use iasql_engine::plan::WriteBack;
use iasql_engine::{CloudId, Region, Row, RowKey, Value};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap};

/// Writes values into rows. References hold cloud ids; the rows that stand for those objects are looked up.
pub fn write_back(scene: &Scene, values: &[WriteBack]) {
    let mut rows: BTreeMap<&'static str, BTreeMap<i64, Map<String, Json>>> = BTreeMap::new();
    let mut parts = Vec::new();
    let mut ids = Ids::new(scene);
    for value in values {
        let Some(table) = scene.table(value.key.table) else {
            continue;
        };
        let Some(column) = table.kind.column(value.column) else {
            continue;
        };
        if let Value::Parts(rows) = &value.value {
            parts.push((value.key, value.column, rows));
            continue;
        }
        let written = match &value.value {
            Value::Ref(_) => {
                let region = ids.region(value.key);
                ids.written(column, &value.value, &region)
            }
            plain => plain.clone(),
        };
        rows.entry(table.kind.table)
            .or_default()
            .entry(value.key.id)
            .or_default()
            .insert(
                value.column.to_owned(),
                write::sql_value(table, value.column, &written),
            );
    }
    for (table, rows) in rows {
        if let Some(table) = scene.table(table) {
            write::update(table, rows);
        }
    }
    for (key, column, rows) in parts {
        write_parts(scene, &mut ids, key, column, rows);
    }
}

fn write_parts(scene: &Scene, ids: &mut Ids<'_>, key: RowKey, column: &str, rows: &[Row]) {
    let Some(table) = scene.table(key.table) else {
        return;
    };
    let part = table.kind.parts().find(|(parts, _)| parts.name == column);
    let Some(part) = part.and_then(|(_, part)| scene.table(part.table)) else {
        return;
    };
    let region = ids.region(key);
    let written: Vec<Row> = rows
        .iter()
        .map(|row| ids.written_row(row, &region))
        .collect();
    let names = names(table, part, key.id);
    let whole = Whole {
        id: key.id,
        region: &region,
        row: &names,
    };
    write::insert_parts(part, &[(whole, &written)]);
}

/// The columns of a row that tie its parts.
fn names(table: &Table, part: &Table, id: i64) -> Row {
    let mut row = Row::new(table.kind);
    let on = part
        .kind
        .part_of
        .as_ref()
        .map_or(&[][..], |part_of| part_of.on);
    for (_, column) in on.iter().filter(|(_, column)| *column != "id") {
        row.set(column, column_of(table, column, id));
    }
    row
}

fn column_of(table: &Table, column: &str, id: i64) -> Option<String> {
    let rows = table.query(
        &format!(
            "SELECT {} FROM {} WHERE {} OPERATOR(pg_catalog.=) $1::pg_catalog.int4",
            sql::quoted(column),
            table.name,
            sql::quoted(table.id_column)
        ),
        &[Some(&id.to_string())],
    );
    rows.into_iter().flatten().next().flatten()
}

/// A row of an object, as its table holds it.
pub fn as_written(scene: &Scene, row: &Row, region: &Region) -> Row {
    Ids::new(scene).written_row(row, region)
}

/// Rows by the objects that they stand for.
struct Ids<'a> {
    scene: &'a Scene,
    rows: HashMap<(&'static str, CloudId), Option<i64>>,
}

impl<'a> Ids<'a> {
    fn new(scene: &'a Scene) -> Ids<'a> {
        Ids {
            scene,
            rows: HashMap::new(),
        }
    }

    fn region(&self, key: RowKey) -> Region {
        let table = self.scene.table(key.table);
        let region = table
            .filter(|table| table.is_regional())
            .and_then(|table| column_of(table, "region", key.id));
        Region::from(region.unwrap_or_default())
    }

    fn row_of(&mut self, table: &'static str, region: &Region, id: &CloudId) -> Option<i64> {
        *self
            .rows
            .entry((table, id.clone()))
            .or_insert_with(|| store::row_of(table, region, id))
    }

    fn written(
        &mut self,
        column: &'static iasql_engine::Column,
        value: &Value,
        region: &Region,
    ) -> Value {
        let (Some(reference), Value::Ref(iasql_engine::Ref::Object(object))) =
            (column.reference, value)
        else {
            return value.clone();
        };
        let Some(id) = self.row_of(reference.table, region, object) else {
            return Value::Null;
        };
        match (reference.column, self.scene.table(reference.table)) {
            ("id", _) | (_, None) => Value::Int(id),
            (name, Some(table)) => column_of(table, name, id).into(),
        }
    }

    fn written_row(&mut self, row: &Row, region: &Region) -> Row {
        let mut written = row.clone();
        for (position, column) in row.kind().columns.iter().enumerate() {
            let value = self.written(column, row.at(position), region);
            *written.at_mut(position) = value;
        }
        written
    }
}
