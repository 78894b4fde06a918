//! The engine alone: a plan over 18 tables, without a database and without AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use iasql_engine::kind::{boolean, int, refers_to, set, tags, text, time};
use iasql_engine::plan::{Desired, Rules, World, plan};
use iasql_engine::{Catalog, CloudId, Kind, Known, Object, Region, Row, RowKey, Value};
use serde_json::json;

use crate::bench::{Bench, processor_time};
use crate::error::{Error, Result};
use crate::result::{Finding, Goal, Sample};

const TABLES: usize = 18;

/// A table of the size of the real ones; it refers to the one that it is told.
macro_rules! kind {
    ($table:literal, $to:literal) => {
        Kind::regional(
            $table,
            &[
                text("name").key().create_only(),
                text("arn").cloud_filled().cloud_id(),
                text("state").cloud_filled().volatile(),
                time("created_at").cloud_filled(),
                text("description"),
                text("protocol").create_only(),
                int("port"),
                int("timeout").chosen_when_null(),
                boolean("enabled"),
                set("zones"),
                refers_to("parent_id", $to).chosen_when_null(),
                tags(),
            ],
        )
    };
}

static KINDS: [Kind; TABLES] = [
    kind!("t00", "vpc"),
    kind!("t01", "t00"),
    kind!("t02", "t00"),
    kind!("t03", "t02"),
    kind!("t04", "vpc"),
    kind!("t05", "vpc"),
    kind!("t06", "vpc"),
    kind!("t07", "t06"),
    kind!("t08", "vpc"),
    kind!("t09", "t00"),
    kind!("t10", "t00"),
    kind!("t11", "t10"),
    kind!("t12", "t10"),
    kind!("t13", "vpc"),
    kind!("t14", "t04"),
    kind!("t15", "t14"),
    kind!("t16", "t14"),
    kind!("t17", "t16"),
];

/// Plans over 100,000 rows, over ten times and over a tenth of them. One row in a thousand was changed.
pub fn run(bench: &Bench) -> Result<Vec<Finding>> {
    let catalog = catalog()?;
    let (mut whole, mut processor) = (Vec::new(), Vec::new());
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        // So short a plan is measured ten times.
        let tenths: Vec<f64> = (0..10)
            .map(|_| Ok(seconds(&catalog, 10_000)?.1))
            .collect::<Result<_>>()?;
        let tenth = tenths.iter().sum::<f64>() / 10.0;
        let (wall, own) = seconds(&catalog, 100_000)?;
        let (_, tenfold) = seconds(&catalog, 1_000_000)?;
        whole.push(wall);
        processor.push(own);
        up.push(tenfold / own);
        down.push(own / tenth);
    }
    let note = format!("{:.2} s of processor time", Sample::new(processor).median());
    let plan = "engine alone: plan of 100,000 rows in 18 tables";
    let growth = "engine alone: processor time of 100,000 rows against that of 10,000";
    let above = "the same, of 1,000,000 rows against that of 100,000";
    Ok(vec![
        Finding::new(plan, "s", Goal::AtMost(1.0), Sample::new(whole)).note(note),
        Finding::new(growth, "", Goal::AtMost(12.0), Sample::new(down)),
        Finding::new(above, "", Goal::Told, Sample::new(up)),
    ])
}

/// Plans once over so many rows.
pub fn plan_once(rows: &str) -> Result<bool> {
    let rows = rows.parse().map_err(|_| Error::Unexpected {
        case: "plan",
        found: rows.to_owned(),
    })?;
    let (_, own) = seconds(&catalog()?, rows)?;
    println!("{own:.3} s of processor time");
    Ok(true)
}

fn catalog() -> Result<Catalog> {
    Catalog::new(&KINDS).map_err(|circle| Error::Unexpected {
        case: "engine",
        found: circle.to_string(),
    })
}

/// How long a plan takes: on the wall, and on the processor.
fn seconds(catalog: &Catalog, rows: usize) -> Result<(f64, f64)> {
    let world = world(catalog, rows);
    let rules = Rules::default();
    let thread = Path::new("/proc/thread-self");
    let (start, before) = (Instant::now(), processor_time(thread)?);
    let plan = plan(world, &rules);
    let took = start.elapsed().as_secs_f64();
    let own = processor_time(thread)?.saturating_sub(before);
    if plan.steps.len() != rows.div_ceil(1000) || !plan.refusals.is_empty() {
        let found = format!("{} steps, refused: {:?}", plan.steps.len(), plan.refusals);
        return Err(Error::Unexpected {
            case: "engine",
            found,
        });
    }
    Ok((took, own.as_secs_f64()))
}

/// Rows spread evenly over the tables, made in the order in which they are read: agreements, rows, objects, each a table
/// after the other. An object that is as agreed shares the memory of the agreement, as it does when it is read.
fn world(catalog: &Catalog, rows: usize) -> World<'_> {
    let region = Region::from("us-east-2");
    let keys = || {
        KINDS.iter().enumerate().flat_map(|(table, kind)| {
            // The first tables get what is left over.
            let count = rows / TABLES + usize::from(table < rows % TABLES);
            (1..=count).map(move |id| (kind, id as i64))
        })
    };
    let known: BTreeMap<RowKey, Known> = keys()
        .map(|(kind, id)| (key(kind, id), known(&region, kind, id)))
        .collect();
    let desired = keys().enumerate().map(|(number, (kind, id))| {
        let mut row = row(kind, id);
        if parent(kind).is_some() {
            row.set("parent_id", Value::Int(id));
        }
        if number % 1000 == 0 {
            row.set("description", "changed");
        }
        Desired {
            key: key(kind, id),
            region: region.clone(),
            row,
            protected: false,
        }
    });
    let desired = desired.collect();
    let actual = known
        .values()
        .map(|known| Object::new(&region, known.id.clone(), known.row.clone()));
    World {
        catalog,
        desired,
        actual: actual.collect(),
        known,
        unread: BTreeSet::new(),
        unsaid: BTreeSet::new(),
        intents: Vec::new(),
    }
}

fn key(kind: &Kind, id: i64) -> RowKey {
    RowKey {
        table: kind.table,
        id,
    }
}

fn known(region: &Region, kind: &'static Kind, id: i64) -> Known {
    let row = row(kind, id);
    Known {
        region: region.clone(),
        id: cloud_id(kind.table, id).into(),
        row: match parent(kind) {
            Some(table) => row.with("parent_id", CloudId::from(cloud_id(table, id))),
            None => row,
        },
        owned: BTreeSet::new(),
        made: false,
        protected: false,
        account_owned: false,
    }
}

/// The table that rows of this one refer to, if it is one of the 18.
fn parent(kind: &Kind) -> Option<&'static str> {
    let reference = kind.column("parent_id")?.reference?;
    (reference.table != "vpc").then_some(reference.table)
}

fn cloud_id(table: &str, id: i64) -> String {
    format!("arn:aws:bench:us-east-2:123456789012:{table}/{id:08}")
}

fn row(kind: &'static Kind, id: i64) -> Row {
    Row::new(kind)
        .with("name", format!("object-{id}"))
        .with("arn", cloud_id(kind.table, id))
        .with("state", "available")
        .with("created_at", "2024-01-01T00:00:00Z")
        .with("description", "made for the benchmark")
        .with("protocol", "HTTP")
        .with("port", 443)
        .with("timeout", 30)
        .with("enabled", true)
        .with(
            "zones",
            vec!["us-east-2a".to_owned(), "us-east-2b".to_owned()],
        )
        .with("tags", json!({"team": "bench"}))
}
