//! Whatever is given to functions, options and settings: an error with an SQLSTATE of its own or an answer, never an
//! internal error, never the end of a backend.

use iasql_tests::{Error, Result, Session, Stage, matrix};

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

/// Runs the statement, which may be refused, but not by an internal error nor with the session.
fn survive(session: &mut Session, statement: &str, seed: u64) -> Result {
    match session.query(statement) {
        Ok(_) => Ok(()),
        Err(Error::Sql(message)) if message.sqlstate != "XX000" => Ok(()),
        Err(error) => {
            let statement: String = statement.chars().take(2_000).collect();
            Err(Error::Broken {
                promise: format!("seed {seed}: {statement}: {error}"),
            })
        }
    }
}

#[test]
fn nothing_that_is_given_to_functions_options_or_settings_ends_a_backend() -> Result {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let role = stage.role("anybody")?;
    let cluster = stage.fixture().database().cluster();
    let postmaster = cluster.postmaster()?;
    let mut superuser = stage.superuser()?;
    superuser.query(&format!("GRANT SELECT ON log_group TO {role}"))?;
    let functions = functions(&mut superuser)?;
    let settings = settings(&mut superuser)?;
    assert!(functions.len() > 5 && settings.len() > 5);
    let pid = superuser.backend_pid()?;
    let (seeds, rounds) = if matrix::is_full() {
        (40, 100)
    } else {
        (4, 25)
    };
    for seed in 1..=seeds {
        let mut random = Random(fastrand::Rng::with_seed(seed));
        let mut session = stage.as_role(&role)?;
        for _ in 0..rounds {
            for (function, types) in &functions {
                let values: Vec<String> = types.iter().map(|ty| random.value(ty)).collect();
                let variadic = if function.contains("install") {
                    "VARIADIC "
                } else {
                    ""
                };
                let call = format!("SELECT {function}({variadic}{})", values.join(", "));
                survive(&mut superuser, &call, seed)?;
            }
            let options = [
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
            for written in [
                "SERVER aws",
                "USER MAPPING FOR CURRENT_USER SERVER aws",
                "FOREIGN DATA WRAPPER iasql",
            ] {
                let option = random.one_of(&options);
                let action = random.one_of(&["ADD", "SET"]);
                let value = literal(&random.text());
                let statement =
                    format!("BEGIN; ALTER {written} OPTIONS ({action} {option} {value})");
                survive(&mut superuser, &statement, seed)?;
                superuser.query("ROLLBACK")?;
            }
            let setting = &settings[random.below(settings.len())];
            let value = literal(&random.text());
            survive(&mut superuser, &format!("SET {setting} = {value}"), seed)?;
            superuser.query("RESET ALL")?;
            survive(&mut session, &format!("SET {setting} = {value}"), seed)?;
        }
        // Whatever the settings are by now.
        for function in [
            "iasql_plan_apply()",
            "iasql_apply()",
            "iasql_sync()",
            "delete_all_records()",
        ] {
            survive(&mut session, &format!("SELECT {function}"), seed)?;
        }
    }
    assert_eq!(superuser.backend_pid()?, pid, "the session was lost");
    assert_eq!(cluster.postmaster()?, postmaster, "the server was lost");
    let log = cluster.log()?;
    for word in ["PANIC:", "terminated by signal", "panicked at"] {
        assert!(!log.contains(word), "the server's log has: {word}");
    }
    Ok(())
}
