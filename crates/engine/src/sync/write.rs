//! Objects as the database holds them.

use crate::kind::{Catalog, Column, Reference};
use crate::object::Object;
use crate::plan::{Bindings, say};
use crate::row::{CloudId, ObjectKey, Row, RowKey};
use crate::value::{Ref, Value};

/// Knows which rows stand for objects, and so how a row says what its object refers to.
pub(super) trait Scribe {
    /// All kinds.
    fn catalog(&self) -> &Catalog;

    /// Which row stands for which object.
    fn bindings(&self) -> &Bindings;

    /// What the row of an object holds, for references that lead to its columns.
    fn named(&self, row: RowKey, object: &ObjectKey) -> Option<&Row>;

    /// The value as far as rows stand for what it refers to.
    fn said(&self, column: &Column, object: &Object, value: &Value) -> Value {
        say::said(
            self.catalog(),
            self.bindings(),
            column,
            &object.region,
            value,
        )
    }

    /// The row as the database holds it: references are ids and names of rows.
    fn written(&self, row: &Row, object: &Object) -> Row {
        let mut written = row.clone();
        for (position, column) in row.kind().columns.iter().enumerate() {
            let value = written.at_mut(position);
            match (self.said(column, object, value), column.reference) {
                (Value::Ref(Ref::Object(id)), Some(reference)) => {
                    *value = self.reference(column, reference, object, &id);
                }
                (Value::Parts(parts), _) => {
                    let parts = parts.iter().map(|part| self.written(part, object));
                    *value = Value::Parts(parts.collect());
                }
                (said, _) => *value = said,
            }
        }
        written
    }

    /// What the database holds for a reference to this object: the id or a name of its row.
    fn reference(
        &self,
        column: &Column,
        reference: Reference,
        object: &Object,
        id: &CloudId,
    ) -> Value {
        let target = say::target(self.catalog(), column, &object.region, id);
        let row = target
            .as_ref()
            .and_then(|target| Some((self.bindings().row_of(target)?, target)));
        let Some((row, target)) = row else {
            return Value::Null;
        };
        if reference.column == "id" {
            return Value::Int(row.id);
        }
        let named = self.named(row, target);
        named.map_or(Value::Null, |row| row.get(reference.column).clone())
    }

    /// The row for an object that has none; None for one that is known by something that has no row either.
    fn new_row(&self, object: &Object) -> Option<Row> {
        let row = self.written(&object.row, object);
        let mut columns = object.kind().columns.iter().enumerate();
        let is_homeless = columns.any(|(position, column)| {
            column.key
                && column.reference.is_some()
                && row.at(position).is_null()
                && !object.row.at(position).is_null()
        });
        (!is_homeless).then_some(row)
    }
}
