//! The locks that a run takes before its first call, so that nobody is in its way after it. None is waited for without
//! a bound, and who does not get one is told who has it.

use crate::internal::as_owner;
use crate::local::LocalSettings;
use crate::report::Problem;
use crate::sql::{self, Snapshot, quoted};
use crate::tables::{self, Table};
use crate::world::Scene;
use crate::write::{self, Whole};
use iasql_engine::RowKey;
use iasql_engine::plan::Desired;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, PgTryBuilder, PgXactCallbackEvent, pg_sys};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// How long to wait for a lock where the session sets no `lock_timeout`.
const PATIENCE: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(20);

/// A run that may write. There is one at a time: in the database for as long as the transaction goes on, in this
/// backend until this is dropped. Until then no statement waits for a lock without a bound.
#[must_use]
pub struct Running {
    _bound: LocalSettings,
}

thread_local! {
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

impl Drop for Running {
    fn drop(&mut self) {
        IS_RUNNING.set(false);
    }
}

/// Takes the lock that one run at a time holds, to the end of the transaction and without waiting.
/// Refused where a run has set off what calls this: its own writes may fire triggers.
pub fn start_run(function: &'static str) -> Result<Running, Problem> {
    let depth = sql::value("SELECT pg_catalog.pg_trigger_depth()", &[]);
    if IS_RUNNING.get() || depth.as_deref() != Some("0") {
        return Err(Problem::Nested);
    }
    lock_database()?;
    // A prepared transaction would keep the lock without a session that could be asked to give it back.
    pgrx::register_xact_callback(PgXactCallbackEvent::PrePrepare, move || {
        refuse_to_prepare(function);
    });
    // SAFETY: a plain read of a setting.
    let is_bounded = unsafe { pg_sys::LockTimeout } > 0;
    let bound = match is_bounded {
        true => LocalSettings::enter(&[]),
        false => LocalSettings::enter(&[(c"lock_timeout", c"10s")]),
    };
    IS_RUNNING.set(true);
    Ok(Running { _bound: bound })
}

/// The lock is that of a row: VACUUM does not get in its way, and ROLLBACK TO gives it back.
fn lock_database() -> Result<(), Problem> {
    let busy = || Problem::Busy {
        holder: other_run().unwrap_or_else(|| "It has just been released.".to_owned()),
    };
    if !Lock::Rows.try_on(oid("iasql.apply_lock")) {
        return Err(busy());
    }
    // Such a transaction would plan from what was before the last run. For this the row must change with each run; the
    // lock on its table shows who has it.
    let others = as_owner(|| changed_since_snapshot("SELECT ctid FROM iasql.apply_lock"));
    if !others.is_empty() {
        let what = "another apply, sync or install was committed";
        return Err(Problem::OldSnapshot {
            what: what.to_owned(),
        });
    }
    let row = "SELECT FROM iasql.apply_lock FOR UPDATE SKIP LOCKED";
    if as_owner(|| sql::query(row, &[])).is_empty() {
        return Err(busy());
    }
    as_owner(|| sql::execute("UPDATE iasql.apply_lock SET runs = runs + 1", &[]));
    Ok(())
}

/// The rows of a reading statement that this transaction sees and that others have changed and committed since. To lock
/// one of them is a serialization failure. There are none under READ COMMITTED, which sees whatever is committed.
fn changed_since_snapshot(statement: &str) -> sql::Rows {
    // SAFETY: a plain read of the transaction's isolation level.
    let sees_the_past =
        unsafe { pg_sys::XactIsoLevel } >= pg_sys::XACT_REPEATABLE_READ.cast_signed();
    if !sees_the_past {
        return sql::Rows::new();
    }
    let now: BTreeSet<Vec<Option<String>>> = Snapshot::latest()
        .query(statement, &[])
        .into_iter()
        .collect();
    let mut rows = Snapshot::next().query(statement, &[]);
    rows.retain(|row| !now.contains(row));
    rows
}

/// Refuses where this transaction sees a table that has been uninstalled since.
fn check_installed() -> Result<(), Problem> {
    let gone = as_owner(|| changed_since_snapshot("SELECT ctid FROM iasql.installed_table"));
    match gone.is_empty() {
        true => Ok(()),
        false => Err(Problem::OldSnapshot {
            what: "modules were uninstalled".to_owned(),
        }),
    }
}

/// Who runs something of which this transaction does not see what comes of it, and since when.
pub fn other_run() -> Option<String> {
    holders(
        oid("iasql.apply_lock"),
        "{RowExclusiveLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}",
    )
}

fn refuse_to_prepare(function: &str) {
    let message = format!("cannot PREPARE a transaction that has called {function}()");
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        message,
        "iasql",
    )
    .set_hint("Call it in a transaction that is committed in one step.".to_owned())
    .report(PgLogLevel::ERROR);
}

/// What a table is locked for, to the end of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// To read it.
    Read,
    /// To lock rows of it.
    Rows,
    /// To write it.
    Write,
    /// To refer to it by a foreign key.
    Refer,
    /// To drop it.
    Drop,
}

impl Lock {
    fn mode(self) -> pg_sys::LOCKMODE {
        let mode = match self {
            Lock::Read => pg_sys::AccessShareLock,
            Lock::Rows => pg_sys::RowShareLock,
            Lock::Write => pg_sys::RowExclusiveLock,
            Lock::Refer => pg_sys::ShareRowExclusiveLock,
            Lock::Drop => pg_sys::AccessExclusiveLock,
        };
        mode.cast_signed()
    }

    /// The modes in which others may hold a table that keep this lock off.
    fn kept_off_by(self) -> &'static str {
        match self {
            Lock::Read => "{AccessExclusiveLock}",
            Lock::Rows => "{ExclusiveLock,AccessExclusiveLock}",
            Lock::Write => "{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}",
            Lock::Refer => {
                "{RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,\
                 AccessExclusiveLock}"
            }
            Lock::Drop => {
                "{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,\
                 ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}"
            }
        }
    }

    fn try_on(self, relation: pg_sys::Oid) -> bool {
        // SAFETY: a plain call on the backend's Postgres thread. The lock belongs to the (sub)transaction; where there
        // is no such relation any more, it keeps nobody from anything.
        unsafe { pg_sys::ConditionalLockRelationOid(relation, self.mode()) }
    }

    /// Locks a table, whose name is for the error.
    pub fn on(self, relation: pg_sys::Oid, name: &str) -> Result<(), Problem> {
        match wait_until(|| Ok(self.try_on(relation)))? {
            true => Ok(()),
            false => Err(Problem::Locked {
                what: format!("table {name}"),
                holders: holders(relation, self.kept_off_by()).unwrap_or_default(),
            }),
        }
    }

    /// Locks the installed tables, and first the list of them.
    pub fn on_installed(self) -> Result<(), Problem> {
        let list = "iasql.installed_table";
        Lock::Read.on(oid(list), list)?;
        let tables = as_owner(|| {
            sql::query(
                "SELECT relation::oid, table_name FROM iasql.installed_table ORDER BY relation",
                &[],
            )
        });
        for table in tables {
            if let [Some(relation), Some(name)] = table.as_slice() {
                self.on(sql::oid(relation), name)?;
            }
        }
        check_installed()
    }
}

/// Nobody else changes these rows until the end of the transaction, and nobody has since they were read as `planned`.
pub fn hold_rows(
    scene: &Scene,
    planned: &[Desired],
    keys: &BTreeSet<RowKey>,
) -> Result<(), Problem> {
    let planned: BTreeMap<RowKey, &Desired> = planned
        .iter()
        .filter(|row| keys.contains(&row.key))
        .map(|row| (row.key, row))
        .collect();
    let mut rows: BTreeMap<&'static str, BTreeSet<i64>> = BTreeMap::new();
    for key in planned.keys() {
        rows.entry(key.table).or_default().insert(key.id);
    }
    for (table, ids) in &rows {
        if let Some(table) = scene.table(table) {
            lock_rows(table, ids)?;
            for (_, part) in table.kind.parts() {
                if let Some(part) = scene.table(part.table) {
                    let wholes = planned
                        .values()
                        .filter(|row| row.key.table == table.kind.table);
                    lock_rows(
                        part,
                        &write::part_ids(part, wholes.map(|row| Whole::of(row))),
                    )?;
                }
            }
        }
    }
    let involved = |table: &&Table| {
        let whole = table.kind.part_of.as_ref().map(|part_of| part_of.table);
        rows.contains_key(whole.unwrap_or(table.kind.table))
    };
    let tables: Vec<Table> = scene.tables.iter().filter(involved).cloned().collect();
    let now = tables::read(&tables, &Snapshot::next())?;
    let now: BTreeMap<RowKey, &Desired> = now.iter().map(|row| (row.key, row)).collect();
    let changed: Vec<String> = planned
        .values()
        .filter(|row| now.get(&row.key) != Some(row))
        .map(|row| format!("{} \"{}\"", row.key, row.row.name()))
        .collect();
    match changed.is_empty() {
        true => Ok(()),
        false => Err(Problem::Stale { rows: changed }),
    }
}

fn lock_rows(table: &Table, ids: &BTreeSet<i64>) -> Result<(), Problem> {
    let mut free = BTreeSet::new();
    let mut held = BTreeSet::new();
    let all_free = wait_until(|| {
        check_snapshot(table, ids)?;
        free.extend(select_for_update(table, ids)?);
        // A row that is not there any more will be missed when the rows are read again.
        held = match free.len() == ids.len() {
            true => BTreeSet::new(),
            false => select(table, ids, "").difference(&free).copied().collect(),
        };
        Ok(held.is_empty())
    })?;
    if all_free {
        return Ok(());
    }
    let relation = oid(&table.name);
    Err(Problem::Locked {
        what: rows_named(table, held.iter().map(i64::to_string)),
        holders: holders(
            relation,
            "{RowShareLock,RowExclusiveLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}",
        )
        .unwrap_or_default(),
    })
}

fn rows_named(table: &Table, ids: impl Iterator<Item = String>) -> String {
    let ids: Vec<String> = ids.collect();
    format!("row {} of {}", ids.join(", "), table.kind.table)
}

/// Refuses where a row of these cannot be locked any more.
fn check_snapshot(table: &Table, ids: &BTreeSet<i64>) -> Result<(), Problem> {
    let id = quoted(table.id_column);
    let ids: Vec<i64> = ids.iter().copied().collect();
    let statement = format!(
        "SELECT {id}, ctid FROM {} WHERE {id} OPERATOR(pg_catalog.=) ANY ('{}'::pg_catalog.int4[])",
        table.name,
        sql::array(&ids)
    );
    let changed = table.as_its_owner(|| changed_since_snapshot(&statement));
    let ids = changed
        .into_iter()
        .filter_map(|row| row.into_iter().next()?);
    let mut ids = ids.peekable();
    match ids.peek() {
        None => Ok(()),
        Some(_) => Err(changed_by_another(&rows_named(table, ids))),
    }
}

fn changed_by_another(rows: &str) -> Problem {
    Problem::OldSnapshot {
        what: format!("{rows} was changed by another"),
    }
}

/// Locks the rows that are free. Where another commits a change right before, Postgres says no more than that.
fn select_for_update(table: &Table, ids: &BTreeSet<i64>) -> Result<BTreeSet<i64>, Problem> {
    let lock = || Ok(select(table, ids, "FOR NO KEY UPDATE SKIP LOCKED"));
    PgTryBuilder::new(AssertUnwindSafe(lock))
        .catch_when(
            PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            // The transaction is broken: nothing may be asked of Postgres any more.
            |_| {
                Err(changed_by_another(&format!(
                    "a row of {}",
                    table.kind.table
                )))
            },
        )
        .execute()
}

/// A caller that may delete rows and not update them may hold them too; so the table's owner does it.
fn select(table: &Table, ids: &BTreeSet<i64>, how: &str) -> BTreeSet<i64> {
    let id = quoted(table.id_column);
    let statement = format!(
        "SELECT {id} FROM {} WHERE {id} OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int4[]) {how}",
        table.name
    );
    let list: Vec<String> = ids.iter().map(i64::to_string).collect();
    let list = format!("{{{}}}", list.join(","));
    let rows = table.as_its_owner(|| sql::query(&statement, &[Some(&list)]));
    let ids = rows.into_iter().flatten().flatten();
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// Tries until it succeeds or the time is up.
fn wait_until(mut succeeds: impl FnMut() -> Result<bool, Problem>) -> Result<bool, Problem> {
    // SAFETY: a plain read of a setting.
    let patience = match u64::try_from(unsafe { pg_sys::LockTimeout }) {
        Ok(0) | Err(_) => PATIENCE,
        Ok(milliseconds) => Duration::from_millis(milliseconds),
    };
    let end = Instant::now() + patience;
    while !succeeds()? {
        if Instant::now() >= end {
            return Ok(false);
        }
        pgrx::check_for_interrupts!();
        std::thread::sleep(PAUSE);
    }
    Ok(true)
}

/// The other transactions that hold a table in one of these modes: who, and since when.
fn holders(relation: pg_sys::Oid, modes: &str) -> Option<String> {
    as_owner(|| {
        sql::value(
            "SELECT string_agg(DISTINCT CASE
                        WHEN l.pid IS NULL THEN 'A prepared transaction holds it.'
                        ELSE format('Process %s of user %s holds it since %s.', l.pid,
                                    coalesce(a.usename, 'unknown'), coalesce(a.xact_start::text, 'unknown'))
                    END, ' ')
             FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
             WHERE l.locktype = 'relation' AND l.relation = $1::oid AND l.mode = ANY ($2::text[]) AND l.granted
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND l.pid IS DISTINCT FROM pg_backend_pid()",
            &[Some(&relation.to_u32().to_string()), Some(modes)],
        )
    })
}

/// The OID of a table, by its qualified name.
fn oid(table: &str) -> pg_sys::Oid {
    let oid = sql::value(
        "SELECT $1::pg_catalog.regclass::pg_catalog.oid",
        &[Some(table)],
    );
    sql::oid(&oid.unwrap_or_default())
}
