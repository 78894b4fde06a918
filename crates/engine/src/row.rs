//! Rows and the identifiers of rows and objects.

use crate::kind::Kind;
use crate::value::{Misfit, Ref, Value};
use arcstr::ArcStr;
use serde_json::{Map, Value as Json};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// What AWS calls an object: a name, an id (`sg-…`) or an ARN.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(from = "String", into = "String")]
pub struct CloudId(ArcStr);

/// A region's name; empty for kinds that have none.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(from = "String", into = "String")]
pub struct Region(ArcStr);

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.into())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(text.into())
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_str().to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }
    };
}
text_newtype!(CloudId);
text_newtype!(Region);

/// Which row: the table and the row's immutable id (`id`, or `row_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// The table.
    pub table: &'static str,
    /// The row's id.
    pub id: i64,
}

impl Ord for RowKey {
    /// By table, then by id.
    fn cmp(&self, other: &RowKey) -> Ordering {
        compare_tables(self.table, other.table).then(self.id.cmp(&other.id))
    }
}

/// By name. Mostly they are one, and need not be read.
pub(crate) fn compare_tables(a: &'static str, b: &'static str) -> Ordering {
    match std::ptr::eq(a, b) {
        true => Ordering::Equal,
        false => a.cmp(b),
    }
}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &RowKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.id)
    }
}

/// Which object: the table, the region and the cloud id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The table.
    pub table: &'static str,
    /// Where; empty for global kinds.
    pub region: Region,
    /// The cloud id.
    pub id: CloudId,
}

impl ObjectKey {
    /// The key of an object of this kind. Objects of global kinds have no region, wherever they are asked for.
    pub fn new(kind: &Kind, region: &Region, id: &CloudId) -> ObjectKey {
        ObjectKey {
            table: kind.table,
            region: kind.place(region),
            id: id.clone(),
        }
    }
}

/// The values of one row, in the order of its kind's columns. Copies share their memory until one of them is changed.
#[derive(Clone)]
pub struct Row {
    kind: &'static Kind,
    values: Arc<[Value]>,
}

impl Row {
    /// A row of NULLs.
    pub fn new(kind: &'static Kind) -> Row {
        Row {
            kind,
            values: vec![Value::Null; kind.columns.len()].into(),
        }
    }

    /// Lets the row share the memory of the other one, where they are the same.
    pub fn share(&mut self, other: &Row) {
        if self == other {
            *self = other.clone();
        }
    }

    /// The kind of the row.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Sets a column, and returns the row for the next one.
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Row {
        self.set(column, value);
        self
    }

    /// Sets a column. The kinds' own tests touch every column, so a name that does not exist shows there.
    pub fn set(&mut self, column: &str, value: impl Into<Value>) {
        match self.kind.position(column) {
            Some(position) => *self.at_mut(position) = value.into(),
            None => debug_assert!(false, "{} has no column {column}", self.kind.table),
        }
    }

    /// The value of a column.
    pub fn get(&self, column: &str) -> &Value {
        match self.kind.position(column) {
            Some(position) => &self.values[position],
            None => {
                debug_assert!(false, "{} has no column {column}", self.kind.table);
                &Value::Null
            }
        }
    }

    /// The value at a position of the kind's columns.
    pub fn at(&self, position: usize) -> &Value {
        &self.values[position]
    }

    /// The value at a position, to change it.
    pub fn at_mut(&mut self, position: usize) -> &mut Value {
        &mut Arc::make_mut(&mut self.values)[position]
    }

    /// The text of a column, or None where it is NULL.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.get(column) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number in a column, or None where it is NULL or larger than AWS's own integers.
    pub fn int(&self, column: &str) -> Option<i32> {
        match self.get(column) {
            Value::Int(value) => i32::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The boolean in a column, or None where it is NULL.
    pub fn bool(&self, column: &str) -> Option<bool> {
        match self.get(column) {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The list in a column; empty where it is NULL.
    pub fn list(&self, column: &str) -> &[String] {
        match self.get(column) {
            Value::List(values) => values,
            _ => &[],
        }
    }

    /// The JSON in a column, or None where it is NULL.
    pub fn json(&self, column: &str) -> Option<Json> {
        match self.get(column) {
            Value::Json(value) => Some(value.to_json()),
            _ => None,
        }
    }

    /// The cloud id that a reference column points at, or None where it is NULL or its object does not exist yet.
    pub fn object(&self, column: &str) -> Option<&CloudId> {
        match self.get(column) {
            Value::Ref(Ref::Object(id)) => Some(id),
            _ => None,
        }
    }

    /// The parts in a column.
    pub fn parts(&self, column: &str) -> &[Row] {
        match self.get(column) {
            Value::Parts(rows) => rows,
            _ => &[],
        }
    }

    /// The tags, as pairs.
    pub fn tags(&self) -> Vec<(String, String)> {
        match self.json("tags") {
            Some(Json::Object(tags)) => tags
                .into_iter()
                .map(|(key, value)| (key, value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The row as a JSON object with a field per column.
    pub fn to_json(&self) -> Json {
        // As for `Value::to_json`.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads back what [`Row::to_json`] wrote. Missing fields are NULL, unknown ones are left out: the row may have
    /// been written by another version.
    pub fn from_json(kind: &'static Kind, mut fields: Map<String, Json>) -> Result<Row, Misfit> {
        let values = kind
            .columns
            .iter()
            .map(|column| match fields.remove(column.name) {
                Some(json) => Value::from_json(column, json),
                None => Ok(Value::Null),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Row {
            kind,
            values: values.into(),
        })
    }

    /// What users call the row: the values of its natural key, joined with a blank.
    pub fn name(&self) -> String {
        let keys = self.kind.columns.iter().zip(self.values.iter());
        let words: Vec<String> = keys
            .filter(|(column, value)| column.key && !value.is_null())
            .map(|(_, value)| match value {
                Value::Ref(Ref::Row(row)) => row.to_string(),
                other => match other.to_json() {
                    Json::String(text) => text,
                    json => json.to_string(),
                },
            })
            .collect();
        words.join(" ")
    }
}

impl serde::Serialize for Row {
    /// As [`Row::to_json`] has it.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.kind.columns.iter();
        serializer.collect_map(
            columns
                .zip(self.values.iter())
                .map(|(column, value)| (column.name, value)),
        )
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        let is_one = Arc::ptr_eq(&self.values, &other.values);
        self.kind.table == other.kind.table && (is_one || self.values == other.values)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.table, self.to_json())
    }
}
