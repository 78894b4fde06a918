//! Which rows have changed since they were last agreed on, as the triggers of the module tables note it.

use crate::internal::as_owner;
use crate::report::Problem;
use crate::sql::{self, Snapshot, quoted};
use crate::tables::{Table, kind_of};
use iasql_engine::RowKey;
use pgrx::prelude::*;
use std::cell::Cell;
use std::collections::BTreeSet;

/// More changed rows than this are not looked at one by one.
const FEW: usize = 1_000;

/// The notes of one moment.
#[derive(Clone, Default)]
pub struct Notes {
    /// Which notes.
    ids: Vec<i64>,
    /// The rows that they name; None where they are many, or one is of any row of its table.
    rows: Option<BTreeSet<RowKey>>,
}

impl Notes {
    /// Reads them.
    pub fn read(snapshot: &Snapshot) -> Result<Notes, Problem> {
        let mut ids = Vec::new();
        let mut rows = Some(BTreeSet::new());
        let visit = |note: Vec<Option<String>>| {
            let [Some(id), Some(table), row] = note.as_slice() else {
                return Ok::<(), Problem>(());
            };
            ids.extend(id.parse::<i64>());
            let row = row.as_ref().and_then(|row| row.parse().ok());
            let key = kind_of(table).zip(row).map(|(kind, id)| RowKey {
                table: kind.table,
                id,
            });
            rows = rows.take().zip(key).map(|(mut rows, key)| {
                rows.insert(key);
                rows
            });
            Ok(())
        };
        as_owner(|| {
            snapshot.each(
                "SELECT id, table_name, row_id FROM iasql.changed_row",
                visit,
            )
        })?;
        rows = rows.filter(|rows| rows.len() <= FEW);
        Ok(Notes { ids, rows })
    }

    /// The rows that have changed, if they are few.
    pub fn rows(&self) -> Option<&BTreeSet<RowKey>> {
        self.rows.as_ref()
    }

    /// Takes the notes away: what they name is agreed on.
    pub fn settle(&self) {
        if self.ids.is_empty() {
            return;
        }
        let ids = sql::array(&self.ids);
        as_owner(|| {
            sql::execute(
                "DELETE FROM iasql.changed_row WHERE id = ANY ($1::bigint[])",
                &[Some(&ids)],
            );
        });
    }
}

/// Forgets the notes of a table that is uninstalled.
pub fn forget_table(table: &str) {
    as_owner(|| {
        sql::execute(
            "DELETE FROM iasql.changed_row WHERE table_name = $1",
            &[Some(table)],
        );
    });
}

/// Makes the triggers that note the changes of an installed table. They fire whatever the session says: a restore, too,
/// changes rows.
pub fn watch(table: &Table) {
    let is_part = table.kind.part_of.is_some();
    let any_row = format!("'{}'", table.kind.table);
    let each_row = format!("{any_row}, '{}'", table.id_column);
    for (event, changed) in [
        ("INSERT", "NEW"),
        ("UPDATE", "NEW"),
        ("DELETE", "OLD"),
        ("TRUNCATE", ""),
    ] {
        // Which whole a part is of, its id does not say.
        let (referencing, arguments) = match is_part || changed.is_empty() {
            true => (String::new(), &any_row),
            false => (format!("REFERENCING {changed} TABLE AS changed"), &each_row),
        };
        let name = quoted(&format!("note_{}", event.to_lowercase()));
        let on = &table.name;
        sql::execute(
            &format!(
                "CREATE TRIGGER {name} AFTER {event} ON {on} {referencing} FOR EACH STATEMENT
                 WHEN (pg_catalog.pg_trigger_depth() OPERATOR(pg_catalog.>) 0 OR NOT iasql.is_settling())
                 EXECUTE FUNCTION iasql.note_changed_rows({arguments});
                 ALTER TABLE {on} ENABLE ALWAYS TRIGGER {name};
                 COMMENT ON TRIGGER {name} ON {on} IS 'Notes which rows are not agreed on any more.'"
            ),
            &[],
        );
    }
}

thread_local! {
    static IS_SETTLING: Cell<bool> = const { Cell::new(false) };
}

/// Until it is dropped, statements write what rows and cloud agree on, and are not noted.
#[must_use]
pub struct Settling(());

impl Settling {
    /// Begins, where the table has no triggers of its users: these may write something else.
    pub fn on(table: &Table) -> Settling {
        IS_SETTLING.set(!table.has_own_triggers);
        Settling(())
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        IS_SETTLING.set(false);
    }
}

#[pg_extern(sql = false)]
fn iasql_is_settling() -> bool {
    IS_SETTLING.get()
}
