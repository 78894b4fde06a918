//! One row, its last agreement and its object, column by column.

use super::{Cause, Difference, OnDrift, difference, natural_key};
use crate::compare::{leaves_the_choice, same};
use crate::kind::Change;
use crate::object::Known;
use crate::row::Row;
use crate::value::{Ref, Value};
use std::borrow::Cow;

/// What the comparison of a row with its object says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    /// What an update or replacement changes.
    pub(crate) changes: Vec<Difference>,
    /// What somebody else changed and what is kept.
    pub(crate) kept: Vec<Difference>,
    /// What somebody else changed and what makes the plan fail.
    pub(crate) refused: Vec<Difference>,
    /// Cloud-filled columns that the user edited.
    pub(crate) put_back: Vec<&'static str>,
    /// Columns that the user set to NULL and that AWS chooses.
    pub(crate) choice_stays: Vec<&'static str>,
}

impl Comparison {
    /// Whether only a new object can satisfy the row. Drift alone never does.
    pub(crate) fn must_replace(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.change == Change::Replace && change.cause != Cause::Drift)
    }
}

/// Compares a row with what was agreed on and with what the cloud holds.
pub(crate) fn compare(row: &Row, known: &Known, object: &Row, on_drift: OnDrift) -> Comparison {
    let mut comparison = Comparison::default();
    let is_same = *row == known.row && row == object;
    let (known_row, object) = match is_same {
        true => (Cow::Borrowed(&known.row), Cow::Borrowed(object)),
        false => aligned(row, &known.row, object),
    };
    for (position, column) in row.kind().columns.iter().enumerate() {
        if is_same && column.change != Change::Button {
            continue;
        }
        let wanted = row.at(position);
        let agreed = known_row.at(position);
        let actual = object.at(position);
        match column.change {
            Change::CloudFilled => {
                let edited = !wanted.is_null() && !same(column, wanted, agreed);
                if edited && !same(column, wanted, actual) {
                    comparison.put_back.push(column.name);
                }
                continue;
            }
            Change::Button => {
                if *wanted == Value::Bool(true) {
                    let change = difference(column, &Value::Bool(false), wanted, Cause::Row);
                    comparison.changes.push(change);
                }
                continue;
            }
            Change::InPlace | Change::Replace => {}
        }
        if leaves_the_choice(column, wanted) {
            if !leaves_the_choice(column, agreed) {
                comparison.choice_stays.push(column.name);
            }
            continue;
        }
        if same(column, wanted, actual) {
            continue;
        }
        let row_changed = !same(column, wanted, agreed);
        let cloud_changed = !same(column, actual, agreed);
        let cause = match (row_changed, cloud_changed) {
            _ if refers_to_unmade(wanted) => Cause::Reference,
            (true, false) => Cause::Row,
            (true, true) => Cause::Both,
            (false, _) => Cause::Drift,
        };
        let change = difference(column, actual, wanted, cause);
        if cause != Cause::Drift {
            comparison.changes.push(change);
            continue;
        }
        let put_back = match on_drift {
            OnDrift::Enforce => true,
            OnDrift::Owned => known.owned.contains(column.name),
            OnDrift::Keep | OnDrift::Refuse => false,
        };
        match on_drift {
            OnDrift::Refuse => comparison.refused.push(change),
            _ if put_back && change.change == Change::InPlace => comparison.changes.push(change),
            _ => comparison.kept.push(change),
        }
    }
    comparison
}

/// Whether the object may be what a create for the row has made: it is of its name, and differs in nothing that only
/// another object could have.
pub fn can_be_made_for(row: &Row, object: &Row) -> bool {
    let name = natural_key(row);
    name.is_some()
        && name == natural_key(object)
        && compare_new(row, object)
            .iter()
            .all(|difference| difference.change != Change::Replace)
}

/// The columns in which an object that exists already differs from a new row: settable ones, and those that only a
/// new object could have otherwise.
pub fn compare_new(row: &Row, object: &Row) -> Vec<Difference> {
    let (_, object) = aligned(row, object, object);
    let columns = row.kind().columns.iter().enumerate();
    columns
        .filter(|(position, column)| {
            let wanted = row.at(*position);
            !matches!(column.change, Change::CloudFilled | Change::Button)
                && !leaves_the_choice(column, wanted)
                && !same(column, wanted, object.at(*position))
        })
        .map(|(position, column)| {
            difference(column, object.at(position), row.at(position), Cause::Row)
        })
        .collect()
}

/// Known and object, said in the row's own words.
fn aligned<'a>(row: &Row, known: &'a Row, object: &'a Row) -> (Cow<'a, Row>, Cow<'a, Row>) {
    match row.kind().align {
        None => (Cow::Borrowed(known), Cow::Borrowed(object)),
        Some(align) => {
            let (mut known, mut object) = (known.clone(), object.clone());
            align(&mut known, row);
            align(&mut object, row);
            (Cow::Owned(known), Cow::Owned(object))
        }
    }
}

fn refers_to_unmade(value: &Value) -> bool {
    match value {
        Value::Ref(Ref::Row(_)) => true,
        Value::Parts(parts) => parts.iter().any(|part| {
            let mut positions = 0..part.kind().columns.len();
            positions.any(|position| refers_to_unmade(part.at(position)))
        }),
        _ => false,
    }
}
