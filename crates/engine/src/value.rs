//! The values of columns.

use crate::document::Document;
use crate::kind::{Column, Type};
use crate::row::{CloudId, Row, RowKey};
use serde_json::Value as Json;
use smol_str::SmolStr;

/// The value of one column of one row: three words, of which an account has millions.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text, enum, CIDR or time. Most are short, and kept in place.
    Text(SmolStr),
    /// A list of text.
    List(Box<[String]>),
    /// A JSON document.
    Json(Document),
    /// A reference to another object.
    Ref(Ref),
    /// The parts of an object.
    Parts(Box<[Row]>),
}

/// What a reference points at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ref {
    /// An object that exists in the cloud.
    Object(CloudId),
    /// A row whose object is still to be made. There are few.
    Row(Box<RowKey>),
}

/// A value that does not fit its column.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("column {column} cannot hold {value}")]
pub struct Misfit {
    /// The column.
    pub column: &'static str,
    /// The value, as JSON.
    pub value: Json,
}

impl Value {
    /// Whether the value is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// A reference to an object that exists.
    pub fn object(id: impl Into<CloudId>) -> Value {
        Value::Ref(Ref::Object(id.into()))
    }

    /// The value as JSON, as it is stored in `known` and shown in plans. A reference is the cloud id, or null while
    /// its object does not exist.
    pub fn to_json(&self) -> Json {
        // Fails only for maps whose keys are no text, which there are none of.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads back what [`Value::to_json`] wrote.
    pub fn from_json(column: &'static Column, json: Json) -> Result<Value, Misfit> {
        let misfit = |value: Json| Misfit {
            column: column.name,
            value,
        };
        if json.is_null() {
            return Ok(Value::Null);
        }
        if column.reference.is_some() {
            return match json {
                Json::String(id) => Ok(Value::object(id)),
                other => Err(misfit(other)),
            };
        }
        match (column.ty, json) {
            (Type::Text | Type::Time | Type::Cidr, Json::String(value)) => Ok(value.into()),
            (Type::Int, Json::Number(value)) => match value.as_i64() {
                Some(value) => Ok(Value::Int(value)),
                None => Err(misfit(Json::Number(value))),
            },
            (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(value)),
            (Type::Json | Type::Policy, value) => Ok(value.into()),
            (Type::Set, Json::Array(values)) => {
                let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
                match texts.collect::<Option<Box<_>>>() {
                    Some(texts) => Ok(Value::List(texts)),
                    None => Err(misfit(Json::Array(values))),
                }
            }
            (Type::Parts(kind), Json::Array(values)) => {
                let rows = values
                    .into_iter()
                    .map(|value| match value {
                        Json::Object(fields) => Row::from_json(kind, fields),
                        other => Err(misfit(other)),
                    })
                    .collect::<Result<Box<_>, _>>()?;
                Ok(Value::Parts(rows))
            }
            (_, other) => Err(misfit(other)),
        }
    }
}

impl serde::Serialize for Value {
    /// As [`Value::to_json`] has it.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null | Value::Ref(Ref::Row(_)) => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(values) => values.serialize(serializer),
            Value::Json(value) => value.to_json().serialize(serializer),
            Value::Ref(Ref::Object(id)) => serializer.serialize_str(id.as_str()),
            Value::Parts(rows) => rows.serialize(serializer),
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.into())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value.into())
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Int(value.into())
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}
impl From<Vec<String>> for Value {
    fn from(value: Vec<String>) -> Self {
        Value::List(value.into())
    }
}
impl From<Vec<Row>> for Value {
    fn from(rows: Vec<Row>) -> Self {
        Value::Parts(rows.into())
    }
}
impl From<Json> for Value {
    fn from(value: Json) -> Self {
        Value::Json((&value).into())
    }
}
impl From<Ref> for Value {
    fn from(value: Ref) -> Self {
        Value::Ref(value)
    }
}
impl From<CloudId> for Value {
    fn from(value: CloudId) -> Self {
        Value::Ref(Ref::Object(value))
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_three_words() {
        assert_eq!(size_of::<Value>(), 3 * size_of::<usize>());
    }
}
