//! Makes room: names are unique, and one row may get what another still has.

use super::RowChange;
use crate::clear::with_targets;
use crate::kind::Catalog;
use crate::plan::bind::Names;
use crate::plan::{Action, Desired};
use crate::row::RowKey;
use std::collections::HashSet;

/// The rows to delete to which rows that stay lead, as they are written now: these have to be written first. All others
/// can go before anything is written.
pub fn deletes_that_wait(
    catalog: &Catalog,
    desired: &[Desired],
    changes: &[RowChange],
) -> HashSet<RowKey> {
    let deletes = changes
        .iter()
        .filter(|change| change.action == Action::Delete);
    let mut gone: HashSet<RowKey> = deletes.map(|delete| delete.key).collect();
    if !gone.is_empty() {
        let names = Names::new(catalog, desired);
        let reached = with_targets(catalog, &names, desired, |row| !gone.contains(&row.key));
        gone.retain(|key| reached.contains(key));
    }
    gone
}

/// Whether the row gets another name.
pub fn renamed(change: &RowChange) -> bool {
    let is_key = |name: &str| {
        let column = change.row.kind().column(name);
        name == "region" || column.is_some_and(|column| column.key)
    };
    change.action == Action::Update && change.columns.iter().any(|it| is_key(it.column))
}
