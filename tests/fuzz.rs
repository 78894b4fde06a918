//! Whatever is given to functions, options and settings: an error with an SQLSTATE of its own or an answer, never an
//! internal error, never the end of a backend.

use std::fmt;

use iasql_tests::matrix::{self, Cases};
use iasql_tests::{Cluster, Error, Result, Session, Stage, ensure};

/// Choices that look random, the same for the same seed.
struct Random(fastrand::Rng);

impl Random {
    /// A number below the bound.
    fn below(&mut self, bound: usize) -> usize {
        self.0.usize(..bound)
    }

    fn one_of<'a>(&mut self, values: &[&'a str]) -> &'a str {
        values[self.below(values.len())]
    }

    /// Any characters but NUL, which no text of Postgres can hold.
    fn characters(&mut self) -> String {
        let length = match self.below(10) {
            0 => 0,
            1 => 70_000,
            _ => self.below(40),
        };
        let character = |random: &mut Self| match random.below(4) {
            0 => {
                char::from_u32(1 + random.below(0x1F_FFFF) as u32 % 0x10_FFFF).unwrap_or('\u{FFFD}')
            }
            1 => char::from(1 + random.below(127) as u8),
            _ => random
                .one_of(&[
                    "a", "_", "'", "\"", "\\", "%", "@", "{", "}", "[", ":", "$", "0", "-", "/",
                ])
                .chars()
                .next()
                .unwrap_or('x'),
        };
        (0..length).map(|_| character(self)).collect()
    }

    /// Something that is nearly right, or not at all.
    fn text(&mut self) -> String {
        let nearly = [
            "aws_vpc",
            "aws_iam@0.0.1",
            "us-east-2",
            "http://127.0.0.1:1",
            "arn:aws:iam::123456789012:role/r",
            "overwrite",
            "true",
            "-1",
            "2147483648",
            "99999999999999999999",
            "1e400",
            "NaN",
            "90d",
            r#"{"Statement": []}"#,
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}"#,
            r#"{"a": "b", "aws:c": null}"#,
            "[[[[[[[[[[]]]]]]]]]]",
            "access_key_id=x",
            "region=us-east-2",
            "=",
        ];
        match self.below(3) {
            0 => self.characters(),
            1 => self.one_of(&nearly).to_owned(),
            _ => {
                let mut text: Vec<char> = self.one_of(&nearly).chars().collect();
                let position = self.below(text.len());
                let other = self.characters();
                text.splice(position..=position, other.chars());
                text.into_iter().collect()
            }
        }
    }

    /// An SQL expression of the type.
    fn value(&mut self, ty: &str) -> String {
        if self.below(12) == 0 {
            return format!("NULL::{ty}");
        }
        match ty {
            "text[]" => {
                let elements: Vec<String> =
                    (0..self.below(5)).map(|_| self.value("text")).collect();
                format!("ARRAY[{}]::text[]", elements.join(", "))
            }
            "oid" => format!(
                "{}::oid",
                self.one_of(&["0", "1", "1417", "1418", "2328", "4294967295"])
            ),
            ty => format!("{}::{ty}", literal(&self.text())),
        }
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The functions of the extension that take something, with the types of what they take.
fn functions(session: &mut Session) -> Result<Vec<(String, Vec<String>)>> {
    let rows = session.query(
        "SELECT p.oid::regproc, (SELECT string_agg(format_type(t, NULL), ',' ORDER BY n)
                                 FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n))
         FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
         WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'iasql') AND p.pronargs > 0 ORDER BY 1",
    )?;
    let function = |row: &Vec<Option<String>>| {
        let types = row[1].as_deref().unwrap_or_default();
        let types = types.split(',').map(str::to_owned).collect();
        (row[0].clone().unwrap_or_default(), types)
    };
    Ok(rows.rows.iter().map(function).collect())
}

fn settings(session: &mut Session) -> Result<Vec<String>> {
    session.query("SELECT iasql_version()")?;
    let rows =
        session.query("SELECT name FROM pg_settings WHERE name LIKE 'iasql.%' ORDER BY name")?;
    Ok(rows.lines())
}

/// What random values are given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Given {
    Functions,
    Options,
    Settings,
    /// Settings, and then everything is run.
    Runs,
}

const GIVEN: [Given; 4] = [
    Given::Functions,
    Given::Options,
    Given::Settings,
    Given::Runs,
];

/// How many rounds each is given values in, and how many of these in a sample.
const ROUNDS: u64 = 1_000;
const SAMPLE: u64 = 50;

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Functions => "every function",
            Self::Options => "options of servers, mappings and wrappers",
            Self::Settings => "settings",
            Self::Runs => "all settings, and then plan, apply, sync and delete",
        })
    }
}

/// A round of random values.
struct Case {
    given: Given,
    seed: u64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)
    }
}

const OPTIONS: [&str; 12] = [
    "region",
    "endpoint_url",
    "allowed_role_arns",
    "request_limits",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "profile",
    "role_arn",
    "external_id",
    "server_identity",
    "anything",
];

/// A database, a superuser and somebody with hardly any rights.
struct Target {
    stage: Stage,
    superuser: Session,
    pid: u32,
    anybody: Session,
    postmaster: u32,
    functions: Vec<(String, Vec<String>)>,
    settings: Vec<String>,
}

impl Target {
    fn start() -> Result<Self> {
        let stage = Stage::with(&["aws_cloudwatch"])?;
        let role = stage.role("anybody")?;
        let mut superuser = stage.superuser()?;
        superuser.query(&format!("GRANT SELECT ON log_group TO {role}"))?;
        let functions = functions(&mut superuser)?;
        let settings = settings(&mut superuser)?;
        assert!(functions.len() > 5 && settings.len() > 5);
        Ok(Self {
            postmaster: stage.fixture().database().cluster().postmaster()?,
            pid: superuser.backend_pid()?,
            anybody: stage.as_role(&role)?,
            superuser,
            functions,
            settings,
            stage,
        })
    }

    fn hit(&mut self, case: &Case) -> Result {
        let mut random = Random(fastrand::Rng::with_seed(case.seed));
        match case.given {
            Given::Functions => self.call_functions(&mut random)?,
            Given::Options => self.write_options(&mut random)?,
            Given::Settings => {
                let setting = &self.settings[random.below(self.settings.len())];
                let set = format!("SET {setting} = {}", literal(&random.text()));
                for session in [&mut self.superuser, &mut self.anybody] {
                    survive(session, &set)?;
                    session.query("RESET ALL")?;
                }
            }
            Given::Runs => self.run_everything(&mut random)?,
        }
        self.is_alive()
    }

    fn call_functions(&mut self, random: &mut Random) -> Result {
        for (function, types) in &self.functions {
            let values: Vec<String> = types.iter().map(|ty| random.value(ty)).collect();
            let variadic = match function.contains("install") {
                true => "VARIADIC ",
                false => "",
            };
            let call = format!("SELECT {function}({variadic}{})", values.join(", "));
            survive(&mut self.superuser, &call)?;
        }
        Ok(())
    }

    fn write_options(&mut self, random: &mut Random) -> Result {
        for written in [
            "SERVER aws",
            "USER MAPPING FOR CURRENT_USER SERVER aws",
            "FOREIGN DATA WRAPPER iasql",
        ] {
            let option = random.one_of(&OPTIONS);
            let action = random.one_of(&["ADD", "SET"]);
            let value = literal(&random.text());
            let statement = format!("BEGIN; ALTER {written} OPTIONS ({action} {option} {value})");
            survive(&mut self.superuser, &statement)?;
            self.superuser.query("ROLLBACK")?;
        }
        Ok(())
    }

    fn run_everything(&mut self, random: &mut Random) -> Result {
        for setting in &self.settings {
            let value = literal(&random.text());
            survive(&mut self.anybody, &format!("SET {setting} = {value}"))?;
        }
        for function in [
            "iasql_plan_apply()",
            "iasql_apply()",
            "iasql_sync()",
            "delete_all_records()",
        ] {
            survive(&mut self.anybody, &format!("SELECT {function}"))?;
        }
        self.anybody.query("RESET ALL").map(drop)
    }

    fn is_alive(&mut self) -> Result {
        ensure(self.superuser.backend_pid()? == self.pid, || {
            "the session was lost".to_owned()
        })?;
        let cluster = self.stage.fixture().database().cluster();
        ensure(cluster.postmaster()? == self.postmaster, || {
            "the server was lost".to_owned()
        })
    }
}

/// Runs the statement, which may be refused, but not by an internal error nor with the session.
fn survive(session: &mut Session, statement: &str) -> Result {
    match session.query(statement) {
        Ok(_) => Ok(()),
        Err(Error::Sql(message)) if message.sqlstate != "XX000" => Ok(()),
        Err(error) => {
            let statement: String = statement.chars().take(2_000).collect();
            Err(Error::Broken {
                promise: format!("{statement}: {error}"),
            })
        }
    }
}

#[test]
fn nothing_that_is_given_to_functions_options_or_settings_ends_a_backend() -> Result {
    let mut cases = Cases::default();
    for given in GIVEN {
        let rounds = (1..=ROUNDS).map(|seed| Case { given, seed });
        cases.add(rounds.collect(), Vec::new());
    }
    cases.sample(|case| Some((case.given, case.seed % SAMPLE)));
    matrix::run_all(
        "random values",
        2,
        cases,
        |case| (case.given.to_string(), "rounds".to_owned()),
        Target::start,
        Target::hit,
    )?;
    let log = Cluster::shared()?.log()?;
    for word in ["PANIC:", "terminated by signal", "panicked at"] {
        assert!(!log.contains(word), "the server's log has: {word}");
    }
    Ok(())
}
