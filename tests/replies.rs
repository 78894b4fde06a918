//! Whatever AWS answers when it is read: a value that no column knows, one of another type, one that is huge, or none.
//! No backend ends, no row is lost, and with the next true answers everything is in order.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use iasql_tests::matrix::{self, Cases};
use iasql_tests::proxy::{Action, Alteration, Reply};
use iasql_tests::{Edit, Error, Result, Session, World, ensure};
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

/// A function of which one answer that it reads is garbled.
struct Case {
    function: &'static str,
    /// Which answer.
    answer: usize,
    seed: u64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answer {}, seed {}", self.answer, self.seed)
    }
}

const FUNCTIONS: [&str; 4] = [
    "iasql_plan_apply",
    "iasql_explain_apply",
    "iasql_plan_sync",
    "iasql_sync",
];

/// How many answers are garbled, and how many of these in a sample.
const CASES: u64 = 1_000;
const SAMPLE: u64 = 40;

/// A world in which everything is there, and a session in it that no answer may end.
struct Reader {
    world: World,
    session: Session,
    pid: u32,
    there: BTreeSet<String>,
}

impl Reader {
    fn start(mut world: World) -> Result<Self> {
        world.live_through(Edit::Create)?;
        let mut session = world.session()?;
        let there = rows(&mut session)?;
        assert!(there.len() > 15, "{there:?}");
        let pid = session.backend_pid()?;
        Ok(Self {
            world,
            session,
            pid,
            there,
        })
    }

    /// How many answers a plan reads.
    fn answers(&mut self) -> Result<usize> {
        self.world.fixture().proxy().forget_calls();
        self.session.query("SELECT * FROM iasql_plan_apply()")?;
        let answers = self.world.fixture().proxy().calls().len();
        assert!(answers > 10, "only {answers} calls");
        Ok(answers)
    }

    fn read(&mut self, case: &Case) -> Result {
        let proxy = self.world.fixture().proxy();
        let (count, chosen, seed) = (AtomicUsize::new(0), case.answer, case.seed);
        proxy.set_rule(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            call if call == chosen => {
                Action::Alter(Alteration::new(move |reply| garbled(reply, seed)))
            }
            _ => Action::Forward,
        });
        let read = format!("SELECT * FROM {}()", case.function);
        match self.session.query(&read) {
            Err(Error::Sql(message)) if message.sqlstate == "XX000" => {
                return Err(Error::Sql(message));
            }
            Ok(_) | Err(Error::Sql(_)) => {}
            Err(error) => return Err(error),
        }
        proxy.forward_all();
        let now = rows(&mut self.session)?;
        let lost: Vec<&String> = self.there.difference(&now).collect();
        ensure(lost.is_empty(), || format!("lost {lost:?}"))?;
        ensure(self.session.backend_pid()? == self.pid, || {
            "the session was lost".to_owned()
        })?;
        if case.function == "iasql_sync" {
            self.session.query("SELECT * FROM iasql_sync()")?;
            self.world.end(Edit::Create)?;
        }
        Ok(())
    }
}

#[test]
fn no_answer_ends_a_backend_or_loses_a_row() -> Result {
    let answers = Reader::start(World::start()?)?.answers()?;
    let mut cases = Cases::default();
    let garbled = (1..=CASES).map(|seed| {
        let mut rng = Rng::with_seed(seed);
        Case {
            answer: rng.usize(..answers),
            function: FUNCTIONS[rng.usize(..FUNCTIONS.len())],
            seed,
        }
    });
    cases.add(garbled.collect(), Vec::new());
    cases.sample(|case| Some(case.seed % SAMPLE));
    matrix::run_all(
        "strange answers",
        if matrix::is_full() { 3 } else { 1 },
        cases,
        |case| (format!("{}()", case.function), "answers".to_owned()),
        || Reader::start(World::start()?),
        Reader::read,
    )
}
