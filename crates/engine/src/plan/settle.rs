//! What a row is told once its object is what it should be.

use crate::compare::{leaves_the_choice, same};
use crate::kind::Change;
use crate::row::{Row, RowKey};
use crate::value::Value;

/// A value for a column of a row. A reference holds the cloud id of the object referred to.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteBack {
    /// The row.
    pub key: RowKey,
    /// The column.
    pub column: &'static str,
    /// The value.
    pub value: Value,
}

/// The values that the row must be given: what AWS filled, what AWS chose, tags that were there already, buttons
/// that were pressed. Nothing else of a user's row is ever written.
pub fn settle(key: RowKey, row: &Row, object: &Row) -> Vec<WriteBack> {
    let mut values = Vec::new();
    let is_same = row == object;
    for (position, column) in row.kind().columns.iter().enumerate() {
        let (wanted, actual) = (row.at(position), object.at(position));
        let value = match column.change {
            change if is_same && change != Change::Button => continue,
            Change::CloudFilled if !same(column, wanted, actual) => actual.clone(),
            Change::Button if *wanted == Value::Bool(true) => Value::Bool(false),
            Change::InPlace | Change::Replace
                if leaves_the_choice(column, wanted) && !leaves_the_choice(column, actual) =>
            {
                actual.clone()
            }
            _ => continue,
        };
        values.push(WriteBack {
            key,
            column: column.name,
            value,
        });
    }
    values
}
