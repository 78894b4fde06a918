//! Whatever AWS answers when it is read: a value that no column knows, one of another type, one that is huge, or none.
//! No backend ends, no row is lost, and with the next true answers everything is in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use iasql_tests::proxy::{Action, Alteration, Reply};
use iasql_tests::{Edit, Error, Result, Session, World, matrix};
use serde_json::{Value, json};

/// What is put in the place of a value.
fn strange(rng: &mut Rng) -> Value {
    let values = [
        Value::Null,
        json!(-1),
        json!(1e300),
        json!(true),
        json!(""),
        json!("something that nobody has heard of"),
        json!("\u{0}"),
        json!("x".repeat(300_000)),
        json!([[[]]]),
        json!({ "x": {} }),
    ];
    values[rng.usize(..values.len())].clone()
}

/// The places of all values in a document.
fn places(document: &Value, place: &str, found: &mut Vec<String>) {
    let mut inner = |key: &str, value: &Value| {
        let place = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(value, &place, found);
        found.push(place);
    };
    match document {
        Value::Object(members) => members.iter().for_each(|(key, value)| inner(key, value)),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| inner(&index.to_string(), value));
        }
        _ => {}
    }
}

fn garble_json(mut document: Value, rng: &mut Rng) -> String {
    let mut found = Vec::new();
    places(&document, "", &mut found);
    if !found.is_empty() {
        let place = &found[rng.usize(..found.len())];
        let (whole, key) = place.rsplit_once('/').unwrap_or_default();
        match document.pointer_mut(whole) {
            Some(Value::Object(members)) if rng.bool() => drop(members.remove(key)),
            _ => {
                if let Some(value) = document.pointer_mut(place) {
                    *value = strange(rng);
                }
            }
        }
    }
    document.to_string()
}

fn garble_xml(body: &str, rng: &mut Rng) -> String {
    // The innermost elements: what is between their tags, with and without these.
    let ends: Vec<(usize, usize, usize, usize)> = body
        .match_indices("</")
        .filter_map(|(end, _)| {
            let text = body[..end].rfind('>')? + 1;
            let start = body[..text].rfind('<')?;
            let is_innermost =
                !body[start + 1..].starts_with('/') && !body[text..end].contains('<');
            let close = end + body[end..].find('>')? + 1;
            is_innermost.then_some((start, text, end, close))
        })
        .collect();
    if ends.is_empty() {
        return body.to_owned();
    }
    let (start, text, end, close) = ends[rng.usize(..ends.len())];
    match rng.bool() {
        true => format!("{}{}", &body[..start], &body[close..]),
        false => {
            let value = match strange(rng) {
                Value::String(text) => text.replace('\0', "&#0;"),
                other => other.to_string(),
            };
            format!("{}{value}{}", &body[..text], &body[end..])
        }
    }
}

fn garbled(mut reply: Reply, seed: u64) -> Reply {
    let mut rng = Rng::with_seed(seed);
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let body = match serde_json::from_str(&text) {
        Ok(document) => garble_json(document, &mut rng),
        Err(_) => garble_xml(&text, &mut rng),
    };
    reply.body = body.into_bytes();
    reply
}

/// Every row that has been agreed on.
fn rows(session: &mut Session) -> Result<BTreeSet<String>> {
    let rows = session.query(
        "SELECT table_name, row_id FROM iasql.known
         UNION ALL SELECT 'container_definition', id FROM container_definition",
    )?;
    Ok(rows.lines().into_iter().collect())
}

#[test]
fn no_answer_ends_a_backend_or_loses_a_row() -> Result {
    let mut world = World::start()?;
    world.live_through(Edit::Create)?;
    let proxy = world.fixture().proxy();
    let mut session = world.session()?;
    let there = rows(&mut session)?;
    assert!(there.len() > 15, "{there:?}");
    proxy.forget_calls();
    session.query("SELECT * FROM iasql_plan_apply()")?;
    let reads = proxy.calls().len();
    assert!(reads > 10, "only {reads} calls");
    let (pid, seeds) = (
        session.backend_pid()?,
        if matrix::is_full() { 1_000 } else { 40 },
    );
    let mut refused = 0;
    for seed in 1..=seeds {
        let mut rng = Rng::with_seed(seed);
        let (count, chosen) = (Arc::new(AtomicUsize::new(0)), rng.usize(..reads));
        proxy.set_rule(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            call if call == chosen => {
                Action::Alter(Alteration::new(move |reply| garbled(reply, seed)))
            }
            _ => Action::Forward,
        });
        let functions = [
            "iasql_plan_apply",
            "iasql_explain_apply",
            "iasql_plan_sync",
            "iasql_sync",
        ];
        let function = functions[rng.usize(..functions.len())];
        match session.query(&format!("SELECT * FROM {function}()")) {
            Ok(_) => {}
            Err(Error::Sql(message)) if message.sqlstate != "XX000" => refused += 1,
            Err(error) => {
                let promise = format!("seed {seed}: {function}(), answer {chosen}: {error}");
                return Err(Error::Broken { promise });
            }
        }
        proxy.forward_all();
        let now = rows(&mut session)?;
        let lost: Vec<&String> = there.difference(&now).collect();
        assert!(
            lost.is_empty(),
            "seed {seed}: {function}(), answer {chosen}, lost {lost:?}"
        );
        if function == "iasql_sync" {
            session.query("SELECT * FROM iasql_sync()")?;
        }
    }
    println!("{seeds} strange answers, {refused} of them refused as a whole");
    assert_eq!(session.backend_pid()?, pid);
    world.end(Edit::Create)?;
    let log = world.fixture().database().cluster().log()?;
    for word in ["PANIC:", "terminated by signal", "panicked at"] {
        assert!(!log.contains(word), "the server's log has: {word}");
    }
    Ok(())
}
