//! What a row cannot say: references to objects that no row stands for.
//!
//! Such a reference is NULL in the row, and a part that is known by one has no row. Neither is an edit, and neither
//! is ever lost to one.

use super::bind::Bindings;
use super::decide::Planner;
use crate::compare::leaves_the_choice;
use crate::kind::{Catalog, Column};
use crate::object::{Known, Object};
use crate::row::{CloudId, ObjectKey, Region, Row};
use crate::value::{Ref, Value};

impl Planner<'_> {
    /// Fills a row with what it stands for and cannot say.
    pub(super) fn say_what_no_row_can(
        &self,
        row: &mut Row,
        known: &Known,
        object: Option<&Object>,
    ) {
        let can_say = |column: &Column, id: &CloudId| {
            let target = target(self.world.catalog, column, &known.region, id);
            target.is_some_and(|target| {
                self.known_rows.contains(&target)
                    || self.plan.bindings.row_of(&target).is_some()
                    || self.is_deleted(&target)
            })
        };
        fill(row, &known.row, object.map(|object| &object.row), &can_say);
    }
}

/// The object that a reference column of an object in the region refers to; None where its table is not in play.
pub(crate) fn target(
    catalog: &Catalog,
    column: &Column,
    region: &Region,
    id: &CloudId,
) -> Option<ObjectKey> {
    let kind = catalog.kind(column.reference?.table)?;
    Some(ObjectKey::new(kind, region, id))
}

type CanSay<'a> = dyn Fn(&Column, &CloudId) -> bool + 'a;

fn fill(row: &mut Row, known: &Row, object: Option<&Row>, can_say: &CanSay<'_>) {
    for (position, column) in row.kind().columns.iter().enumerate() {
        let agreed = known.at(position);
        match (row.at(position), agreed) {
            (Value::Null, Value::Ref(Ref::Object(id))) if !can_say(column, id) => {
                *row.at_mut(position) = agreed.clone();
            }
            (value, Value::Parts(known)) if !leaves_the_choice(column, value) => {
                let read = match object.map(|object| object.at(position)) {
                    Some(Value::Parts(read)) => read,
                    _ => known,
                };
                fill_parts(row.at_mut(position), known, read, can_say);
            }
            _ => {}
        }
    }
}

fn fill_parts(value: &mut Value, known: &[Row], read: &[Row], can_say: &CanSay<'_>) {
    let mut parts = match std::mem::take(value) {
        Value::Parts(parts) => parts.into_vec(),
        _ => Vec::new(),
    };
    for part in &mut parts {
        let agreed = known.iter().find(|other| have_the_same_key(part, other));
        if let Some(agreed) = agreed {
            fill(part, agreed, None, can_say);
        }
    }
    let unsaid = read.iter().filter(|part| !is_said(part, can_say));
    parts.extend(unsaid.cloned());
    *value = parts.into();
}

/// Whether a part can have a row: everything that it is known by has one.
fn is_said(part: &Row, can_say: &CanSay<'_>) -> bool {
    let columns = part.kind().columns.iter().enumerate();
    columns
        .filter(|(_, column)| column.key)
        .all(|(position, column)| match part.at(position) {
            Value::Ref(Ref::Object(id)) => can_say(column, id),
            _ => true,
        })
}

fn have_the_same_key(a: &Row, b: &Row) -> bool {
    let columns = a.kind().columns.iter().enumerate();
    columns
        .filter(|(_, column)| column.key)
        .all(|(position, _)| a.at(position) == b.at(position))
}

/// The value as far as rows stand for what it refers to.
pub(crate) fn said(
    catalog: &Catalog,
    bindings: &Bindings,
    column: &Column,
    region: &Region,
    value: &Value,
) -> Value {
    let can_say = |column: &Column, id: &CloudId| {
        let target = target(catalog, column, region, id);
        target.is_some_and(|target| bindings.row_of(&target).is_some())
    };
    said_value(column, value, &can_say)
}

fn said_value(column: &Column, value: &Value, can_say: &CanSay<'_>) -> Value {
    match value {
        Value::Ref(Ref::Object(id)) if !can_say(column, id) => Value::Null,
        Value::Parts(parts) => {
            let parts = parts.iter().filter(|part| is_said(part, can_say));
            let parts = parts.map(|part| {
                let mut said = part.clone();
                for (position, column) in part.kind().columns.iter().enumerate() {
                    *said.at_mut(position) = said_value(column, part.at(position), can_say);
                }
                said
            });
            Value::Parts(parts.collect())
        }
        _ => value.clone(),
    }
}
