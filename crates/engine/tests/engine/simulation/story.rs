//! What users and others do, at random.

use super::account::Account;
use super::cloud::places;
use super::database::Database;
use crate::kinds::{
    BALANCER, BALANCER_GROUPS, CONTAINER, GROUP, LISTENER, LOG_GROUP, ROLE, RULE, SERVICE, SUBNET,
    TARGET_GROUP, TASK, VPC, WHOLES,
};
use crate::scene::EAST;
use fastrand::Rng;
use iasql_engine::kind::{Change, Kind, Null, Type};
use iasql_engine::object::Owner;
use iasql_engine::plan::Desired;
use iasql_engine::{Catalog, CloudId, Region, Row, RowKey, Value};
use serde_json::json;

/// Edits the tables as a user might, and keeps only what they accept.
pub fn edit(tx: &mut Database, catalog: &Catalog, rng: &mut Rng, edits: usize) {
    for _ in 0..edits {
        let mut edited = tx.clone();
        match rng.u32(0..10) {
            0..=4 => {
                let kind = pick(rng, &WHOLES);
                let region = pick(rng, &places(kind)).clone();
                insert(&mut edited, kind, &region, rng);
            }
            5..=7 => update(&mut edited, rng),
            _ => delete(&mut edited, catalog, rng),
        }
        if is_accepted(&edited, catalog) {
            *tx = edited;
        }
    }
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(0..from.len())]
}

fn is_accepted(tx: &Database, catalog: &Catalog) -> bool {
    tx.check(catalog).is_ok() && makes_sense(tx)
}

fn insert(tx: &mut Database, kind: &'static Kind, region: &Region, rng: &mut Rng) {
    let Some(row) = new_row(tx, kind, region, rng) else {
        return;
    };
    let key = RowKey {
        table: kind.table,
        id: tx.new_id(),
    };
    let desired = Desired {
        key,
        region: region.clone(),
        row,
        protected: false,
    };
    tx.rows.insert(key, desired);
}

/// A row that some user might write; None where it needs another first.
pub fn new_row(tx: &Database, kind: &'static Kind, region: &Region, rng: &mut Rng) -> Option<Row> {
    let mut row = Row::new(kind);
    for column in kind.columns {
        let value = value(tx, kind, column.name, region, rng)?;
        row.set(column.name, value);
    }
    Some(row)
}

fn name(rng: &mut Rng) -> Value {
    (*pick(rng, &["a", "b", "c", "d"])).into()
}

fn maybe(rng: &mut Rng, value: impl Into<Value>) -> Value {
    match rng.bool() {
        true => value.into(),
        false => Value::Null,
    }
}

/// The id of a row of this kind in the region, or its name.
fn row_of(
    tx: &Database,
    kind: &Kind,
    column: &str,
    region: &Region,
    rng: &mut Rng,
) -> Option<Value> {
    let place = kind.place(region);
    let rows: Vec<&Desired> = tx
        .rows
        .values()
        .filter(|row| row.key.table == kind.table && row.region == place)
        .collect();
    let row = *rows.get(rng.usize(0..rows.len().max(1)))?;
    Some(match column {
        "id" => Value::Int(row.key.id),
        name => row.row.get(name).clone(),
    })
}

/// A value for a column; None where it needs a row that is not there.
fn value(
    tx: &Database,
    kind: &Kind,
    column: &str,
    region: &Region,
    rng: &mut Rng,
) -> Option<Value> {
    let number = rng.i64(0..3);
    Some(match (kind.table, column) {
        (_, "log_group_name") if kind == &LOG_GROUP => name(rng),
        (_, "role_name") if kind == &ROLE => name(rng),
        (_, "group_name" | "name" | "family") => name(rng),
        ("target_group", "target_group_name") => name(rng),
        ("load_balancer", "load_balancer_name") => name(rng),
        (_, "tags") => json!({"n": number.to_string()}).into(),
        (_, "retention" | "interval") => maybe(rng, number + 1),
        (_, "trust") => {
            json!({"Statement": {"Effect": "Allow", "Action": format!("a{number}")}}).into()
        }
        (_, "attached") => texts(&["p", "q"][..rng.usize(0..3)]),
        (_, "path") => "/".into(),
        ("security_group" | "security_group_rule", "description") => format!("d{number}").into(),
        (_, "description") => maybe(rng, format!("d{number}")),
        ("vpc", "cidr_block") => format!("10.{number}.0.0/16").into(),
        ("subnet", "cidr_block") => format!("10.0.{number}.0/{}", 24 + rng.i64(0..2)).into(),
        (_, "dns" | "public") => {
            let value = rng.bool();
            maybe(rng, value)
        }
        (_, "zone") => maybe(rng, "a"),
        (_, "vpc_id") => row_of(tx, &VPC, "id", region, rng)?,
        ("target_group", "vpc") => match row_of(tx, &VPC, "id", region, rng) {
            Some(id) if region.as_str() != EAST || rng.bool() => id,
            None if region.as_str() != EAST => return None,
            _ => Value::Null,
        },
        (_, "security_group_id") => row_of(tx, &GROUP, "id", region, rng)?,
        (_, "source_security_group_id") => {
            let group = row_of(tx, &GROUP, "id", region, rng)?;
            maybe(rng, group)
        }
        (_, "is_egress") => rng.bool().into(),
        ("security_group_rule", "port") => (number - 1).into(),
        ("target_group" | "listener", "port") => (80 + number).into(),
        (_, "cidr") => (*pick(rng, &["0.0.0.0/0", "10.0.0.0/8"])).into(),
        (_, "scheme") => (*pick(rng, &["internal", "internet-facing"])).into(),
        (_, "load_balancer_name") => row_of(tx, &BALANCER, column, region, rng)?,
        ("listener", "target_group_name") => row_of(tx, &TARGET_GROUP, column, region, rng)?,
        ("service", "target_group_name") => {
            let target = row_of(tx, &LISTENER, column, region, rng);
            target.filter(|_| rng.bool()).unwrap_or_default()
        }
        (_, "ssl_policy") => maybe(rng, format!("s{number}")),
        (_, "role_name") => {
            let role = row_of(tx, &ROLE, column, region, rng);
            role.filter(|_| rng.bool()).unwrap_or_default()
        }
        (_, "log_group_name") => {
            let log_group = row_of(tx, &LOG_GROUP, column, region, rng);
            log_group.filter(|_| rng.bool()).unwrap_or_default()
        }
        (_, "task_definition_id") => row_of(tx, &TASK, "id", region, rng).unwrap_or_default(),
        (_, "count") => number.into(),
        (_, "redeploy") => (rng.u32(0..4) == 0).into(),
        (_, "subnets") => {
            let subnets: Vec<String> = tx
                .known
                .iter()
                .filter(|(key, known)| {
                    key.table == "subnet" && known.region == *region && tx.rows.contains_key(key)
                })
                .map(|(_, known)| known.id.to_string())
                .filter(|_| rng.bool())
                .collect();
            match subnets.is_empty() && kind == &BALANCER {
                true => Value::Null,
                false => subnets.into(),
            }
        }
        (_, "security_groups") => {
            let group = row_of(tx, &GROUP, "id", region, rng);
            let part = group.map(|id| Row::new(&BALANCER_GROUPS).with("security_group_id", id));
            Value::Parts(part.into_iter().collect())
        }
        (_, "containers") => {
            let containers = (0..rng.i64(1..3)).map(|number| {
                let mut row = Row::new(&CONTAINER).with("name", format!("c{number}"));
                for column in ["image", "cpu", "log_group_name"] {
                    let value = value(tx, &CONTAINER, column, region, rng);
                    row.set(column, value.unwrap_or_default());
                }
                row
            });
            Value::Parts(containers.collect())
        }
        (_, "image") => format!("i{number}").into(),
        (_, "cpu") => maybe(rng, 256),
        (_, column) => match kind.column(column).map(|it| it.change) {
            Some(Change::CloudFilled) => Value::Null,
            other => panic!("no value for {} {column}: {other:?}", kind.table),
        },
    })
}

fn texts(values: &[&str]) -> Value {
    Value::List(values.iter().map(|it| (*it).to_owned()).collect())
}

fn some_row(tx: &Database, rng: &mut Rng) -> Option<RowKey> {
    let keys: Vec<RowKey> = tx.rows.keys().copied().collect();
    (!keys.is_empty()).then(|| *pick(rng, &keys))
}

fn update(tx: &mut Database, rng: &mut Rng) {
    let Some(key) = some_row(tx, rng) else {
        return;
    };
    let row = tx.rows[&key].clone();
    let kind = row.row.kind();
    let columns: Vec<_> = kind
        .columns
        .iter()
        .filter(|column| column.change != Change::CloudFilled)
        .collect();
    let column = *pick(rng, &columns);
    let Some(value) = value(tx, kind, column.name, &row.region, rng) else {
        return;
    };
    let old = row.row.get(column.name).clone();
    if let Some(row) = tx.rows.get_mut(&key) {
        row.row.set(column.name, value.clone());
    }
    tx.cascade(kind, &row.region, column.name, &old, &value);
}

/// Deletes a row, and sometimes all that refers to it.
fn delete(tx: &mut Database, catalog: &Catalog, rng: &mut Rng) {
    let Some(key) = some_row(tx, rng) else {
        return;
    };
    tx.rows.remove(&key);
    while rng.u32(0..4) > 0 {
        let dangling: Vec<RowKey> = tx
            .rows
            .values()
            .filter(|row| refers_to_nothing(tx, catalog, &row.row, &row.region))
            .map(|row| row.key)
            .collect();
        for key in dangling {
            tx.rows.remove(&key);
        }
    }
}

fn refers_to_nothing(tx: &Database, catalog: &Catalog, row: &Row, region: &Region) -> bool {
    let mut columns = row.kind().columns.iter().enumerate();
    columns.any(|(position, column)| match row.at(position) {
        Value::Null => false,
        Value::Parts(parts) => parts
            .iter()
            .any(|part| refers_to_nothing(tx, catalog, part, region)),
        value => column.reference.is_some() && tx.target(catalog, column, value, region).is_none(),
    })
}

/// What AWS would refuse whatever the order, and no constraint of the tables does.
fn makes_sense(tx: &Database) -> bool {
    let of = |kind: &'static Kind| {
        tx.rows
            .values()
            .filter(move |row| row.key.table == kind.table)
    };
    let serves = |service: &Desired| {
        let target = service.row.get("target_group_name");
        target.is_null()
            || of(&LISTENER).any(|listener| {
                listener.region == service.region && listener.row.get("target_group_name") == target
            })
    };
    let network = |row: &Desired| {
        let cidr = row.row.text("cidr_block").unwrap_or_default();
        cidr.rsplit_once('.').map(|it| it.0.to_owned())
    };
    let overlaps = |subnet: &Desired| {
        of(&SUBNET).any(|other| {
            other.key != subnet.key
                && other.row.get("vpc_id") == subnet.row.get("vpc_id")
                && network(other) == network(subnet)
        })
    };
    let stands = |id: &String| {
        let mut known = tx.known.iter();
        known.any(|(key, known)| {
            key.table == "subnet" && known.id.as_str() == id && tx.rows.contains_key(key)
        })
    };
    // What AWS has chosen stays when a row says nothing of it any more.
    let chosen = |row: &Desired| {
        let columns = row.row.kind().columns.iter();
        let silent = columns.filter(|column| {
            column.reference.is_some()
                && column.null == Null::Chosen
                && row.row.get(column.name).is_null()
        });
        let known = tx.known.get(&row.key);
        let chosen = silent.filter_map(|column| known?.row.object(column.name));
        chosen.cloned().collect::<Vec<_>>()
    };
    let stays = |id: &CloudId| {
        let mut known = tx.known.values();
        known.any(|known| known.id == *id && known.account_owned)
    };
    let mentions_only_rows = |row: &Desired| row.row.list("subnets").iter().all(stands);
    of(&SERVICE).all(serves)
        && !of(&SUBNET).any(overlaps)
        && of(&SERVICE).all(mentions_only_rows)
        && of(&BALANCER).all(mentions_only_rows)
        && tx.rows.values().flat_map(chosen).all(|id| stays(&id))
}

/// Somebody else changes something in the account.
pub fn meddle(account: &mut Account, rng: &mut Rng) {
    let keys: Vec<_> = account.cloud.things.keys().cloned().collect();
    if rng.u32(0..3) == 0 || keys.is_empty() {
        let kind = *pick(rng, &[&LOG_GROUP, &ROLE, &VPC, &BALANCER]);
        let region = pick(rng, &places(kind)).clone();
        if let Some(row) = new_row(&Database::default(), kind, &region, rng) {
            let row = match kind == &BALANCER {
                true => row.with("security_groups", Value::Null),
                false => row,
            };
            // What AWS refuses them is their business.
            let _ = account.cloud.add(row, region, rng.u32(..));
        }
        return;
    }
    let key = pick(rng, &keys).clone();
    let thing = account.cloud.things[&key].clone();
    if rng.u32(0..3) == 0 {
        if thing.object.owner == Owner::User {
            let delete = super::cloud::Call::Delete { object: key };
            let _ = account.cloud.execute(&delete);
        }
        return;
    }
    let mut columns = thing.object.kind().columns.to_vec();
    columns.retain(|column| {
        column.change == Change::InPlace
            && column.reference.is_none()
            && !column.key
            && !["subnets", "security_groups"].contains(&column.name)
    });
    if columns.is_empty() {
        return;
    }
    let column = pick(rng, &columns);
    let tx = Database::default();
    if let Some(value) = value(&tx, thing.object.kind(), column.name, &key.region, rng)
        && !value.is_null()
    {
        let set = super::cloud::Call::Set {
            object: key,
            values: vec![(column.name, value)],
        };
        let _ = account.cloud.execute(&set);
    }
}

/// The same in other words: what has no order in another, and policies with a list of one.
pub fn say_otherwise(row: &mut Row, rng: &mut Rng) {
    for (position, column) in row.kind().columns.iter().enumerate() {
        match (row.at_mut(position), column.ty) {
            (Value::List(values), Type::Set) => rng.shuffle(values),
            (Value::Parts(parts), _) => {
                rng.shuffle(parts);
                for part in parts {
                    say_otherwise(part, rng);
                }
            }
            (Value::Json(policy), Type::Policy) => {
                let mut said = policy.to_json();
                let statement = &mut said["Statement"];
                *statement = json!([statement.take()]);
                *policy = (&said).into();
            }
            _ => {}
        }
    }
}

/// The rows that need each other most: everything of the tutorial.
pub fn tutorial(tx: &mut Database, catalog: &Catalog, rng: &mut Rng) {
    for kind in [
        &LOG_GROUP,
        &ROLE,
        &VPC,
        &SUBNET,
        &GROUP,
        &RULE,
        &TARGET_GROUP,
        &BALANCER,
        &LISTENER,
        &TASK,
        &SERVICE,
    ] {
        let mut inserted = tx.clone();
        insert(&mut inserted, kind, &kind.place(&EAST.into()), rng);
        if is_accepted(&inserted, catalog) {
            *tx = inserted;
        }
    }
}
