//! Rows for tables that have none yet.

use super::RowChange;
use super::write::Scribe;
use crate::kind::Catalog;
use crate::object::{Known, Object};
use crate::plan::bind::referred_columns;
use crate::plan::{Bindings, Desired};
use crate::row::{ObjectKey, Row, RowKey};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Gives rows to the objects of new tables as they are read, however they come: only the objects that others refer to
/// must come before these. The rows are those that a sync would give once everything is read.
pub struct Import<'a> {
    catalog: &'a Catalog,
    bindings: Bindings,
    /// The tables to whose columns, other than ids, references lead.
    has_names: HashSet<&'static str>,
    named: HashMap<RowKey, Row>,
}

impl<'a> Import<'a> {
    /// Beside the rows of the tables that are not new, with what was agreed on with them.
    pub fn new(
        catalog: &'a Catalog,
        desired: &[Desired],
        known: &BTreeMap<RowKey, Known>,
    ) -> Import<'a> {
        let mut import = Import {
            catalog,
            bindings: Bindings::default(),
            has_names: referred_columns(catalog).into_keys().collect(),
            named: HashMap::new(),
        };
        for row in desired {
            if let Some(known) = known.get(&row.key) {
                import.bind(row.key, known.object_key(row.key.table), &row.row);
            }
        }
        import
    }

    /// The new row of this id for an object, and what is agreed on with it. None for an object that is known by something
    /// that has no row, and for one that has a row: what changes while it is listed may be on two pages.
    pub fn row(&mut self, object: &Object, id: i64) -> Option<(RowChange, Known)> {
        if self.bindings.row_of(&object.key()).is_some() {
            return None;
        }
        let row = self.new_row(object)?;
        let table = object.kind().table;
        let key = RowKey { table, id };
        self.bind(key, object.key(), &row);
        let change = RowChange::new(key, object, row, false);
        Some((change, Known::found(object)))
    }

    fn bind(&mut self, key: RowKey, object: ObjectKey, row: &Row) {
        self.bindings.bind(object, key);
        if self.has_names.contains(key.table) {
            self.named.insert(key, row.clone());
        }
    }
}

impl Scribe for Import<'_> {
    fn catalog(&self) -> &Catalog {
        self.catalog
    }

    fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    fn named(&self, row: RowKey, _: &ObjectKey) -> Option<&Row> {
        self.named.get(&row)
    }
}
