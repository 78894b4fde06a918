//! Objects as the database holds them.

use super::Syncer;
use crate::kind::{Column, Reference};
use crate::object::Object;
use crate::plan::say;
use crate::row::{CloudId, Row};
use crate::value::{Ref, Value};

impl Syncer<'_> {
    /// The value as far as rows stand for what it refers to.
    pub(super) fn said(&self, column: &Column, object: &Object, value: &Value) -> Value {
        say::said(
            self.world.catalog,
            &self.bindings,
            column,
            &object.region,
            value,
        )
    }

    /// The row as the database holds it: references are ids and names of rows.
    pub(super) fn written(&self, row: &Row, object: &Object) -> Row {
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
        let target = say::target(self.world.catalog, column, &object.region, id);
        let row = target
            .as_ref()
            .and_then(|target| Some((self.bindings.row_of(target)?, target)));
        let Some((row, target)) = row else {
            return Value::Null;
        };
        if reference.column == "id" {
            return Value::Int(row.id);
        }
        let untouched = self.untouched.get(&row);
        let read = self.objects.by_id(target);
        let named = untouched.or(read.map(|position| &self.world.actual[position].row));
        named.map_or(Value::Null, |row| row.get(reference.column).clone())
    }
}
