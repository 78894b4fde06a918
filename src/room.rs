//! Lets rows of one table change names with each other, whatever the order in which they are written.

use crate::internal::as_owner;
use crate::sql::{self, quoted};
use crate::tables::Table;
use iasql_engine::kind::Type;
use std::collections::BTreeSet;

/// Foreign keys that are not checked, because rows refer to nothing while they are aside.
#[must_use]
pub struct References(Option<String>);

/// Gives each of these rows a name that nobody has or gets.
pub fn step_aside(table: &Table, ids: &BTreeSet<i64>) -> References {
    // What a row refers to can be anything while it is not checked. What it says of itself must pass the table's
    // checks.
    let keys = table.columns().filter(|column| column.key);
    let Some(column) = keys.min_by_key(|column| column.reference.is_none()) else {
        return References(None);
    };
    let references = References(foreign_keys(table, column.name));
    references.set("DEFERRED");
    let id = quoted(table.id_column);
    let nowhere = match column.ty {
        Type::Text => format!("pg_catalog.concat('iasql-aside-', {id})"),
        _ => format!("OPERATOR(pg_catalog.-) {id}"),
    };
    table.settle(
        &format!(
            "UPDATE {} SET {} = {nowhere} WHERE {id} OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int4[])",
            table.name,
            quoted(column.name),
        ),
        &[Some(&sql::array(ids))],
    );
    references
}

/// The foreign keys of a column that can be checked later, as SET CONSTRAINTS names them.
fn foreign_keys(table: &Table, column: &str) -> Option<String> {
    as_owner(|| {
        sql::value(
            "SELECT string_agg(format('%I.%I', n.nspname, c.conname), ', ')
             FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
             WHERE c.conrelid = $1::regclass AND c.contype = 'f' AND c.condeferrable AND a.attname = $2",
            &[Some(&table.name), Some(column)],
        )
    })
}

impl References {
    /// The rows have their names: checks what they refer to.
    pub fn check(self) {
        self.set("IMMEDIATE");
    }

    fn set(&self, when: &str) {
        if let Some(foreign_keys) = &self.0 {
            sql::execute(&format!("SET CONSTRAINTS {foreign_keys} {when}"), &[]);
        }
    }
}
