//! Writes rows of module tables, a statement a table. Names are qualified, but the search path is the caller's: users'
//! triggers may count on it.

use crate::sql::{self, quoted};
use crate::tables::{SqlType, Table};
use iasql_engine::kind::Scope;
use iasql_engine::plan::Desired;
use iasql_engine::{Ref, Region, Row, Value};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A row to insert.
pub struct NewRow<'a> {
    /// Its id.
    pub id: i64,
    /// Its region.
    pub region: &'a Region,
    /// Whether it is protected.
    pub protected: bool,
    /// Its values, references as the database holds them.
    pub row: &'a Row,
}

/// Takes new ids for rows of a table.
pub fn new_ids(table: &Table, count: usize) -> Vec<i64> {
    if count == 0 {
        return Vec::new();
    }
    let rows = table.query(
        "SELECT pg_catalog.nextval(s.name::pg_catalog.regclass)
         FROM (SELECT pg_catalog.pg_get_serial_sequence($1, $2) OFFSET 0) AS s(name),
              pg_catalog.generate_series(1, $3::pg_catalog.int8)",
        &[
            Some(&table.name),
            Some(table.id_column),
            Some(&count.to_string()),
        ],
    );
    rows.into_iter()
        .flatten()
        .flatten()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// Inserts rows.
pub fn insert(table: &Table, rows: &[NewRow<'_>]) {
    if rows.is_empty() {
        return;
    }
    let records = rows.iter().map(|new| {
        let mut beside = Map::new();
        beside.insert(table.id_column.to_owned(), new.id.into());
        if table.is_regional() {
            beside.insert("region".to_owned(), new.region.as_str().into());
        }
        if table.has_protected {
            beside.insert("protected".to_owned(), new.protected.into());
        }
        let row = new.row;
        Record { row, beside }
    });
    let mut columns = vec![table.id_column];
    columns.extend(table.columns().map(|column| column.name));
    columns.extend(table.is_regional().then_some("region"));
    columns.extend(table.has_protected.then_some("protected"));
    insert_records(table, &columns, records);
}

/// Each statement takes as many records as fit the caches well; one for all would hold several copies of a large table
/// in memory. The values come as texts, a list a column: to take records of JSON apart costs more than to insert them.
fn insert_records<'a>(table: &Table, columns: &[&str], records: impl Iterator<Item = Record<'a>>) {
    let list = list(columns);
    let lists: Vec<String> = columns
        .iter()
        .zip(1..)
        .map(|(column, number)| format!("pg_catalog.unnest(${number}) AS {}", quoted(column)))
        .collect();
    let typed: Vec<String> = columns
        .iter()
        .filter_map(|column| Some(format!("x.{}::{}", quoted(column), table.sql_type(column)?)))
        .collect();
    let statement = format!(
        "INSERT INTO {} ({list}) SELECT {} FROM (SELECT {}) AS x",
        table.name,
        typed.join(", "),
        lists.join(", ")
    );
    let mut records = records.peekable();
    while records.peek().is_some() {
        let some: Vec<Record<'_>> = records.by_ref().take(sql::AT_ONCE).collect();
        let lists: Vec<sql::Texts<'_>> = columns
            .iter()
            .map(|column| some.iter().map(|record| record.text(column)).collect())
            .collect();
        table.settle_lists(&statement, &lists);
    }
}

/// Sets columns of rows. Returns how many rows there were.
pub fn update(table: &Table, rows: BTreeMap<i64, Map<String, Json>>) -> u64 {
    let mut by_columns: BTreeMap<Vec<String>, Vec<Json>> = BTreeMap::new();
    for (id, mut values) in rows {
        let columns = values.keys().cloned().collect();
        values.insert(table.id_column.to_owned(), id.into());
        by_columns
            .entry(columns)
            .or_default()
            .push(Json::Object(values));
    }
    let mut written = 0;
    for (columns, records) in by_columns {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut typed = names.clone();
        typed.push(table.id_column);
        let sets: Vec<String> = names
            .iter()
            .map(|name| format!("{0} = x.{0}", quoted(name)))
            .collect();
        written += table.settle(
            &format!(
                "UPDATE {} AS t SET {} FROM {} WHERE t.{id} OPERATOR(pg_catalog.=) x.{id}",
                table.name,
                sets.join(", "),
                recordset(table, &typed),
                id = quoted(table.id_column),
            ),
            &[Some(&Json::Array(records).to_string())],
        );
    }
    written
}

/// Deletes rows of tables, given each after those it refers to: in one statement, at whose end the foreign keys are
/// checked, or in one for each owner.
pub fn delete(rows: &[(&Table, Vec<i64>)]) {
    let statements: Vec<_> = rows
        .chunk_by(|(table, _), (next, _)| table.has_owner_of(next))
        .collect();
    for statement in statements.into_iter().rev() {
        delete_at_once(statement);
    }
}

fn delete_at_once(rows: &[(&Table, Vec<i64>)]) {
    let Some((first, _)) = rows.first() else {
        return;
    };
    let mut parameters = Vec::new();
    let mut deletes = Vec::new();
    for (position, (table, ids)) in rows.iter().enumerate() {
        parameters.push(sql::array(ids));
        deletes.push(format!(
            "d{position} AS (DELETE FROM {} WHERE {} OPERATOR(pg_catalog.=) ANY (${}::pg_catalog.int4[]))",
            table.name,
            quoted(table.id_column),
            position + 1
        ));
    }
    let parameters: Vec<Option<&str>> = parameters.iter().map(|ids| Some(ids.as_str())).collect();
    first.execute(
        &format!("WITH {} SELECT 1", deletes.join(", ")),
        &parameters,
    );
}

/// A whole whose parts are written.
pub struct Whole<'a> {
    /// Its id.
    pub id: i64,
    /// Its region.
    pub region: &'a Region,
    /// Its values, for the names that tie its parts.
    pub row: &'a Row,
}

impl<'a> Whole<'a> {
    /// The whole that a row wants.
    pub fn of(row: &'a Desired) -> Whole<'a> {
        Whole {
            id: row.key.id,
            region: &row.region,
            row: &row.row,
        }
    }

    fn ties(&self, part: &Table) -> Map<String, Json> {
        let on = part
            .kind
            .part_of
            .as_ref()
            .map_or(&[][..], |part_of| part_of.on);
        let mut ties: Map<String, Json> = on
            .iter()
            .map(|(mine, whole)| {
                let value = match *whole {
                    "id" => self.id.into(),
                    column => self.row.get(column).to_json(),
                };
                ((*mine).to_owned(), value)
            })
            .collect();
        if part.kind.scope == Scope::Regional {
            ties.insert("region".to_owned(), self.region.as_str().into());
        }
        ties
    }
}

/// Inserts parts.
pub fn insert_parts(part: &Table, wholes: &[(Whole<'_>, &[Row])]) {
    let mut columns = part.ties();
    columns.extend(part.columns().map(|column| column.name));
    let records = wholes.iter().flat_map(|(whole, rows)| {
        let ties = whole.ties(part);
        rows.iter().map(move |row| Record {
            row,
            beside: ties.clone(),
        })
    });
    insert_records(part, &columns, records);
}

/// Deletes the parts of these wholes.
pub fn delete_parts(part: &Table, wholes: &[Whole<'_>]) {
    if let Some((parts, ties)) = parts_of(part, wholes) {
        part.settle(
            &format!("DELETE FROM {} AS t USING {parts}", part.name),
            &[Some(&ties)],
        );
    }
}

/// The ids of the parts of these wholes.
pub fn part_ids<'a>(part: &Table, wholes: impl Iterator<Item = Whole<'a>>) -> BTreeSet<i64> {
    let wholes: Vec<Whole<'a>> = wholes.collect();
    let rows = parts_of(part, &wholes).map(|(parts, ties)| {
        let statement = format!(
            "SELECT t.{} FROM {} AS t, {parts}",
            quoted(part.id_column),
            part.name
        );
        part.query(&statement, &[Some(&ties)])
    });
    let ids = rows.into_iter().flatten().flatten().flatten();
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// What picks the parts `t` of these wholes, and its parameter: the values that tie them. None if there are no wholes.
fn parts_of(part: &Table, wholes: &[Whole<'_>]) -> Option<(String, String)> {
    let columns = part.ties();
    let matches: Vec<String> = columns
        .iter()
        .map(|tie| format!("t.{0} OPERATOR(pg_catalog.=) x.{0}", quoted(tie)))
        .collect();
    let ties = wholes.iter().map(|whole| Json::Object(whole.ties(part)));
    let ties: Vec<Json> = ties.collect();
    let parts = format!(
        "{} WHERE {}",
        recordset(part, &columns),
        matches.join(" AND ")
    );
    (!ties.is_empty()).then(|| (parts, Json::Array(ties).to_string()))
}

/// A row to insert.
struct Record<'a> {
    row: &'a Row,
    /// What the table has beside the columns of its kind, or in place of them.
    beside: Map<String, Json>,
}

impl Record<'_> {
    /// The value of a column as text that its type reads; None for NULL.
    fn text(&self, column: &str) -> Option<Cow<'_, str>> {
        match self.beside.get(column) {
            Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text.into()),
            Some(value) => Some(value.to_string().into()),
            None => text(self.row.get(column)),
        }
    }
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null | Value::Parts(_) | Value::Ref(Ref::Row(_)) => return None,
        Value::Bool(value) => value.to_string().into(),
        Value::Int(value) => value.to_string().into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(texts) => sql::array_of_texts(texts).into(),
        Value::Json(document) => document.as_str().into(),
        Value::Ref(Ref::Object(id)) => id.as_str().into(),
    })
}

/// A value as `jsonb_to_recordset` reads it into the column's type.
pub fn sql_value(table: &Table, column: &str, value: &Value) -> Json {
    match value {
        // A JSON document in a text column.
        Value::Json(document) if !table.sql_type(column).is_some_and(SqlType::is_json) => {
            Json::String(document.as_str().to_owned())
        }
        value => value.to_json(),
    }
}

fn recordset(table: &Table, columns: &[&str]) -> String {
    let typed: Vec<String> = columns
        .iter()
        .filter_map(|column| Some(format!("{} {}", quoted(column), table.sql_type(column)?)))
        .collect();
    format!(
        "pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS x({})",
        typed.join(", ")
    )
}

fn list(columns: &[&str]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    quoted.join(", ")
}
