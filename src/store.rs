//! The extension's own records: what was agreed on, whom the tables belong to, and the lock.

use crate::internal::as_owner;
use crate::report::Problem;
use crate::sql::{self, Snapshot};
use crate::tables::kind_of;
use iasql_aws::session::Identity;
use iasql_engine::journal::{Entry, Record};
use iasql_engine::{Kind, Known, ObjectKey, Region, Row, RowKey};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What was last agreed on.
pub fn read_known(snapshot: &Snapshot) -> Result<BTreeMap<RowKey, Known>, Problem> {
    let mut known = Vec::new();
    read_some_known("", snapshot, &mut known)?;
    // Made at once, a map's nodes are full.
    Ok(known.into_iter().collect())
}

/// What was last agreed on with these rows.
pub fn read_known_of<'a>(
    keys: impl IntoIterator<Item = &'a RowKey>,
    snapshot: &Snapshot,
) -> Result<BTreeMap<RowKey, Known>, Problem> {
    let mut ids: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
    for key in keys {
        ids.entry(key.table).or_default().push(key.id);
    }
    let mut known = Vec::new();
    for (table, ids) in ids {
        let ids = sql::array(&ids);
        let which = format!(" WHERE table_name = '{table}' AND row_id = ANY ('{ids}'::bigint[])");
        read_some_known(&which, snapshot, &mut known)?;
    }
    Ok(known.into_iter().collect())
}

fn read_some_known(
    which: &str,
    snapshot: &Snapshot,
    known: &mut Vec<(RowKey, Known)>,
) -> Result<(), Problem> {
    let statement = format!(
        "SELECT table_name, row_id, region, cloud_id, state, array_to_json(owned), made, protected, account_owned
         FROM iasql.known{which}"
    );
    let mut kind: Option<&'static Kind> = None;
    let mut region = Region::default();
    let visit = |values: Vec<Option<String>>| {
        let mut values = values.into_iter().map(Option::unwrap_or_default);
        let mut next = || values.next().unwrap_or_default();
        // One row is mostly of the table and region of the one before.
        let table = next();
        kind = kind
            .filter(|kind| kind.table == table)
            .or_else(|| kind_of(&table));
        let Some(kind) = kind else {
            return Ok(());
        };
        let id = next().parse().unwrap_or_default();
        let unreadable = |misfit: &dyn std::fmt::Display| Problem::Unreadable {
            table: kind.table,
            row: id,
            misfit: misfit.to_string(),
        };
        let name = next();
        if region.as_str() != name {
            region = Region::from(name);
        }
        let cloud_id = next().into();
        let state = match serde_json::from_str(&next()) {
            Ok(Json::Object(fields)) => {
                Row::from_json(kind, fields).map_err(|misfit| unreadable(&misfit))?
            }
            Ok(other) => return Err(unreadable(&other)),
            Err(error) => return Err(unreadable(&error)),
        };
        let owned: BTreeSet<String> =
            serde_json::from_str(&next()).map_err(|error| unreadable(&error))?;
        let (made, protected, account_owned) = (next() == "t", next() == "t", next() == "t");
        let key = RowKey {
            table: kind.table,
            id,
        };
        known.push((
            key,
            Known {
                region: region.clone(),
                id: cloud_id,
                row: state,
                owned,
                made,
                protected,
                account_owned,
            },
        ));
        Ok(())
    };
    as_owner(|| snapshot.each(&statement, visit))
}

/// The run and the step that an agreement comes from.
pub type Source<'a> = Option<(&'a str, usize)>;

/// Writes agreements.
pub fn write_known(agreements: &[(RowKey, &Known, Source<'_>)]) {
    let or_update = "ON CONFLICT (table_name, row_id) DO UPDATE
             SET region = excluded.region, cloud_id = excluded.cloud_id, state = excluded.state,
                 owned = excluded.owned, made = excluded.made, protected = excluded.protected,
                 account_owned = excluded.account_owned,
                 run = excluded.run, step = excluded.step";
    insert_known(agreements, or_update);
}

/// Writes the first agreements with rows. To look whether there are others takes as long as a twentieth of an import.
pub fn write_first_known(agreements: &[(RowKey, &Known, Source<'_>)]) {
    insert_known(agreements, "");
}

fn insert_known(agreements: &[(RowKey, &Known, Source<'_>)], on_conflict: &str) {
    let statement = format!(
        "INSERT INTO iasql.known
         SELECT x.table_name, x.row_id::bigint, x.region, x.cloud_id, x.state::jsonb, x.owned::text[], x.made::boolean,
                x.protected::boolean, x.account_owned::boolean, x.run::uuid, x.step::int
         FROM (SELECT unnest($1) AS table_name, unnest($2) AS row_id, unnest($3) AS region, unnest($4) AS cloud_id,
                      unnest($5) AS state, unnest($6) AS owned, unnest($7) AS made, unnest($8) AS protected,
                      unnest($9) AS account_owned, unnest($10) AS run, unnest($11) AS step) AS x
         {on_conflict}"
    );
    for some in agreements.chunks(sql::AT_ONCE) {
        as_owner(|| sql::execute_lists(&statement, &lists_of(some)));
    }
}

/// A list a column.
fn lists_of<'a>(agreements: &'a [(RowKey, &'a Known, Source<'a>)]) -> [sql::Texts<'a>; 11] {
    fn list<'a, T: Into<Cow<'a, str>>>(
        agreements: &'a [(RowKey, &'a Known, Source<'a>)],
        value: impl Fn(&'a Known, &'a (RowKey, &'a Known, Source<'a>)) -> Option<T>,
    ) -> sql::Texts<'a> {
        let values = agreements
            .iter()
            .map(|agreement| value(agreement.1, agreement));
        values.map(|value| value.map(Into::into)).collect()
    }
    [
        list(agreements, |_, (key, ..)| Some(key.table)),
        list(agreements, |_, (key, ..)| Some(key.id.to_string())),
        list(agreements, |known, _| Some(known.region.as_str())),
        list(agreements, |known, _| Some(known.id.as_str())),
        list(agreements, |known, _| {
            serde_json::to_string(&known.row).ok()
        }),
        list(agreements, |known, _| {
            Some(sql::array_of_texts(&known.owned))
        }),
        list(agreements, |known, _| Some(known.made.to_string())),
        list(agreements, |known, _| Some(known.protected.to_string())),
        list(agreements, |known, _| Some(known.account_owned.to_string())),
        list(agreements, |_, (.., source)| source.map(|(run, _)| run)),
        list(agreements, |_, (.., source)| {
            source.map(|(_, step)| step.to_string())
        }),
    ]
}

/// Forgets agreements.
pub fn forget_known(keys: &[RowKey]) {
    if keys.is_empty() {
        return;
    }
    let records: Vec<Json> = keys
        .iter()
        .map(|key| json!({"table_name": key.table, "row_id": key.id}))
        .collect();
    as_owner(|| {
        sql::execute(
            "DELETE FROM iasql.known k
             USING jsonb_to_recordset($1::jsonb) AS x(table_name text, row_id bigint)
             WHERE k.table_name = x.table_name AND k.row_id = x.row_id",
            &[Some(&Json::Array(records).to_string())],
        );
    });
}

/// Forgets everything about a table that is uninstalled.
pub fn forget_table(table: &str) {
    as_owner(|| {
        sql::execute(
            "DELETE FROM iasql.known WHERE table_name = $1",
            &[Some(table)],
        );
        sql::execute(
            "DELETE FROM iasql.installed_table WHERE table_name = $1",
            &[Some(table)],
        );
    });
}

/// Records an installed table. The relation is a qualified, quoted name.
pub fn record_table(table: &str, module: &str, version: &str, relation: &str) {
    as_owner(|| {
        sql::execute(
            "INSERT INTO iasql.installed_table VALUES ($1, $2, $3, $4::regclass)",
            &[Some(table), Some(module), Some(version), Some(relation)],
        );
    });
}

/// The account and the database that the tables are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The account.
    pub account_id: String,
    /// Its partition.
    pub partition: String,
    /// The endpoint of an emulator.
    pub endpoint_url: Option<String>,
    /// Whether this database is the one that may apply.
    pub is_here: bool,
}

/// The binding; None before the first install.
pub fn read_binding() -> Option<Binding> {
    let rows = as_owner(|| {
        sql::query(
            "SELECT b.account_id, b.partition, b.endpoint_url,
                    b.system_identifier = (SELECT system_identifier::text FROM pg_control_system())
                    AND b.database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())
             FROM iasql.binding b",
            &[],
        )
    });
    let mut row = rows.into_iter().next()?.into_iter();
    Some(Binding {
        account_id: row.next()??,
        partition: row.next()??,
        endpoint_url: row.next()?,
        is_here: row.next()?.as_deref() == Some("t"),
    })
}

/// Binds the tables to an account and to this database.
pub fn write_binding(identity: &Identity, endpoint_url: Option<&str>) {
    as_owner(|| {
        sql::execute(
            "INSERT INTO iasql.binding (account_id, partition, endpoint_url, system_identifier, database_oid)
             SELECT $1, $2, $3, c.system_identifier::text, d.oid
             FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()",
            &[
                Some(&identity.account_id),
                Some(&identity.partition),
                endpoint_url,
            ],
        );
    });
}

/// Makes this database the one that may apply.
pub fn take_over() {
    as_owner(|| {
        sql::execute(
            "UPDATE iasql.binding b SET system_identifier = c.system_identifier::text, database_oid = d.oid
             FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()",
            &[],
        );
    });
}

/// The regions that are in use.
pub fn enabled_regions() -> Vec<Region> {
    let rows = as_owner(|| {
        sql::query(
            "SELECT region FROM iasql.region WHERE is_enabled ORDER BY NOT is_default, region",
            &[],
        )
    });
    rows.into_iter()
        .flatten()
        .flatten()
        .map(Region::from)
        .collect()
}

/// Makes a region the default, where there is none yet.
pub fn seed_region(region: &str) {
    as_owner(|| {
        sql::execute(
            "INSERT INTO iasql.region (region, is_default) VALUES ($1, true)
             ON CONFLICT (region) DO UPDATE SET is_default = true, is_enabled = true",
            &[Some(region)],
        );
    });
}

/// The row that stands for an object.
pub fn row_of(table: &str, region: &Region, id: &iasql_engine::CloudId) -> Option<i64> {
    let row = as_owner(|| {
        sql::value(
            "SELECT row_id FROM iasql.known WHERE table_name = $1 AND region IN ($2, '') AND cloud_id = $3 LIMIT 1",
            &[Some(table), Some(region.as_str()), Some(id.as_str())],
        )
    });
    row.and_then(|row| row.parse().ok())
}

/// The records of steps that still leave a question, in the journal's order. This transaction's own runs are among
/// them, although the worker that wrote their records has committed after the transaction's snapshot.
pub fn unresolved() -> Result<Vec<Entry>, Problem> {
    let rows = as_owner(|| {
        Snapshot::latest().query(
            "SELECT j.run, to_jsonb(j) - 'state', j.state, date_part('epoch', clock_timestamp() - j.logged_at)
             FROM iasql.journal j
             WHERE NOT EXISTS (SELECT FROM iasql.resolved r WHERE r.run = j.run AND r.step = j.step)
             ORDER BY j.id",
            &[],
        )
    });
    let mut entries = Vec::new();
    for values in rows {
        let mut values = values.into_iter();
        let mut next = || values.next().flatten();
        let run = next().unwrap_or_default();
        let parsed = serde_json::from_str::<Record>(&next().unwrap_or_default());
        let mut record = parsed.map_err(|error| Problem::Unreadable {
            table: "iasql.journal",
            row: 0,
            misfit: error.to_string(),
        })?;
        record.state = next().and_then(|state| serde_json::from_str(&state).ok());
        let age = next().and_then(|seconds| seconds.parse().ok());
        let age = age.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        entries.push(Entry {
            run,
            record,
            age: age.unwrap_or_default(),
        });
    }
    Ok(entries)
}

/// Whether the journal has records of these tables.
pub fn journal_names(tables: &[&str]) -> bool {
    let tables = sql::array_of_texts(tables);
    let rows = as_owner(|| {
        Snapshot::latest().query(
            "SELECT EXISTS (SELECT FROM iasql.journal WHERE table_name = ANY ($1::text[]))",
            &[Some(&tables)],
        )
    });
    rows.into_iter().flatten().flatten().any(|yes| yes == "t")
}

/// The objects that runs have deleted lately, whether that is committed or not: AWS may list them a while longer.
pub fn deleted_lately() -> Vec<ObjectKey> {
    let rows = as_owner(|| {
        Snapshot::latest().query(
            "SELECT DISTINCT table_name, region, cloud_id
             FROM iasql.journal
             WHERE event = 'finished' AND action = 'delete' AND cloud_id IS NOT NULL
               AND logged_at > clock_timestamp() - interval '10 minutes'",
            &[],
        )
    });
    rows.into_iter()
        .filter_map(|row| Some(object(row)?.0))
        .collect()
}

/// The objects that creates, those of replacements too, have made no longer ago than this, with their ages, whether that is
/// committed or not.
pub fn made_lately(age: Duration) -> Vec<(ObjectKey, Duration)> {
    let rows = as_owner(|| {
        Snapshot::latest().query(
            "SELECT table_name, region, cloud_id, date_part('epoch', clock_timestamp() - logged_at)
             FROM iasql.journal
             WHERE event = 'finished' AND action IN ('create', 'replace') AND cloud_id IS NOT NULL
               AND logged_at > clock_timestamp() - $1::float8 * interval '1 second'",
            &[Some(&age.as_secs_f64().to_string())],
        )
    });
    let made = rows.into_iter().filter_map(|row| {
        let (object, age) = object(row)?;
        let age = Duration::try_from_secs_f64(age?.parse().ok()?).ok()?;
        Some((object, age))
    });
    made.collect()
}

/// An object by its table, region and id, and what comes after these.
fn object(row: Vec<Option<String>>) -> Option<(ObjectKey, Option<String>)> {
    let mut values = row.into_iter().flatten();
    let object = ObjectKey {
        table: kind_of(&values.next()?)?.table,
        region: values.next()?.into(),
        id: values.next()?.into(),
    };
    Some((object, values.next()))
}

/// Notes that these steps leave no question.
pub fn resolve(steps: &[(String, u32)]) {
    if steps.is_empty() {
        return;
    }
    let records: Vec<Json> = steps
        .iter()
        .map(|(run, step)| json!({"run": run, "step": step}))
        .collect();
    as_owner(|| {
        sql::execute(
            "INSERT INTO iasql.resolved
             SELECT x.run, x.step FROM jsonb_to_recordset($1::jsonb) AS x(run uuid, step int)
             ON CONFLICT DO NOTHING",
            &[Some(&Json::Array(records).to_string())],
        );
    });
}
