//! No secret leaves its place: not by a row, a message, the journal, the statistics, the server's log or a dump.
//!
//! Each source of credentials holds a secret that is found nowhere else. Then everything is done that a user does, with
//! success and without, and whatever comes out is searched for it; where something fails, the endpoint echoes all that it
//! was sent, and the secrets too. A user mapping is such a place: Postgres itself shows
//! its options to those who may see them, dumps them, and logs the statement that writes them.

use iasql_tests::proxy::{Action, Alteration, Call, Proxy, Reply};
use iasql_tests::{Cluster, ClusterOptions, Emulator, Error, Fixture, Result, Session};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What no secret and no token may be missing, and nothing else has.
const CANARY: &str = "canary";

/// Credentials, and where they come from.
struct Source {
    cluster: &'static Cluster,
    /// The statement that writes the user mapping.
    mapping: &'static str,
    /// What the calls are signed with.
    access_key_id: &'static str,
    secrets: &'static [&'static str],
}

/// A server that says and logs as much as servers do that look for a fault.
fn talkative() -> ClusterOptions {
    ClusterOptions::default()
        .setting("log_statement", "all")
        .setting("log_min_messages", "debug1")
        .setting("log_error_verbosity", "verbose")
        .setting("shared_preload_libraries", "pg_stat_statements")
}

/// A server with secrets in its environment and in the files of its user.
fn cluster() -> Result<&'static Cluster> {
    static CLUSTER: Mutex<Option<&'static Cluster>> = Mutex::new(None);
    let mut started = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = *started {
        return Ok(cluster);
    }
    let options = talkative()
        .environment("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
        .environment("AWS_SECRET_ACCESS_KEY", "canary-of-the-environment")
        .environment("AWS_SESSION_TOKEN", "canary-token-of-the-environment");
    let cluster: &Cluster = Box::leak(Box::new(Cluster::start_with(options)?));
    let folder = cluster.home().join(".aws");
    fs::create_dir(&folder).map_err(io(&folder))?;
    let profile = "[admin]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = canary-of-the-profile\n\
                   aws_session_token = canary-token-of-the-profile\n";
    write(&folder.join("credentials"), profile)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).map_err(io(&folder))?;
    Ok(started.insert(cluster))
}

/// A server with the token of a web identity, and the token service that it shows that to.
fn cluster_with_a_web_identity() -> Result<(&'static Cluster, &'static Proxy)> {
    let emulator: &Emulator = Box::leak(Box::new(Emulator::take()?));
    let tokens: &Proxy = Box::leak(Box::new(Proxy::start(emulator.endpoint())?));
    let options = talkative()
        .environment("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")
        // A server process is in the folder of its data.
        .environment("AWS_WEB_IDENTITY_TOKEN_FILE", "../token")
        .environment("AWS_ENDPOINT_URL_STS", tokens.endpoint());
    let cluster: &Cluster = Box::leak(Box::new(Cluster::start_with(options)?));
    write(
        &cluster.home().join("token"),
        "canary-of-the-web-identity\n",
    )?;
    Ok((cluster, tokens))
}

/// Writes a file that the server's user may read.
fn write(file: &Path, text: &str) -> Result {
    fs::write(file, text).map_err(io(file))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).map_err(io(file))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    |source| Error::Io {
        path: path.to_owned(),
        source,
    }
}

/// Does everything with these credentials, and searches everything.
fn assert_kept(source: &Source) -> Result {
    let Source {
        mapping,
        access_key_id,
        ..
    } = *source;
    let fixture = Fixture::on(source.cluster)?;
    let mut session = fixture.session()?;
    // The statement that writes a secret is logged like any other, unless one says so.
    session.query("CREATE EXTENSION pg_stat_statements; SET log_statement = 'none'; SET pg_stat_statements.track = 'none'")?;
    session.query(&format!(
        "SET pg_stat_statements.track_utility = off; DROP USER MAPPING FOR CURRENT_USER SERVER aws; {mapping}"
    ))?;
    session.query("RESET ALL")?;
    let mut heard = String::new();
    assume_a_role_with_secrets(&fixture, None, &[]);
    for statement in [
        "SELECT * FROM iasql_install('aws_cloudwatch', 'aws_iam', 'aws_security_group')",
        "INSERT INTO log_group (log_group_name) VALUES ('a')",
        r#"INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{"Statement": []}')"#,
        "INSERT INTO security_group (group_name, description) VALUES ('g', 'd')",
        "SELECT * FROM iasql_plan_apply()",
        "SELECT * FROM iasql_explain_apply()",
        "SELECT * FROM iasql_apply()",
        "SELECT * FROM iasql_plan_sync()",
        "SELECT * FROM iasql_sync()",
    ] {
        hear(&mut session, statement, &mut heard)?;
    }
    let used = fixture.proxy().calls();
    assert!(
        used.iter().any(|call| call.access_key_id == access_key_id),
        "nothing was sent with {access_key_id}"
    );
    session.query("UPDATE log_group SET retention_in_days = 7")?;
    let failures = [
        ("logs:PutRetentionPolicy", 400, "AccessDeniedException"),
        ("logs:PutRetentionPolicy", 400, "InvalidParameterException"),
        ("sts:GetCallerIdentity", 403, "InvalidClientTokenId"),
        ("logs:DescribeLogGroups", 400, "UnrecognizedClientException"),
        ("logs:DescribeLogGroups", 400, "ExpiredTokenException"),
        ("iam:ListRoles", 403, "SignatureDoesNotMatch"),
    ];
    for failure in failures {
        assume_a_role_with_secrets(&fixture, Some(failure), source.secrets);
        // A backend of its own has to get its credentials anew.
        let mut session = fixture.session()?;
        let before = heard.len();
        hear(&mut session, "SELECT * FROM iasql_apply()", &mut heard)?;
        for told in [failure.2, "***"] {
            assert!(heard[before..].contains(told), "{}", &heard[before..]);
        }
    }
    assume_a_role_with_secrets(&fixture, None, &[]);
    for records in [
        "SELECT * FROM iasql.journal",
        "SELECT * FROM iasql.journal_steps",
        "SELECT * FROM iasql.known",
        "SELECT * FROM iasql.binding",
        "SELECT name, setting, reset_val FROM pg_settings",
        "SELECT query FROM pg_stat_statements",
        "SELECT query, application_name FROM pg_stat_activity",
    ] {
        let rows = session.query(records)?;
        assert!(!rows.is_empty(), "{records}");
        heard += &rows.to_string();
    }
    let dump = fixture
        .database()
        .program("pg_dump", ["--no-comments"])?
        .stdout;
    let (mapping_of_the_dump, rest) = cut_out_mappings(&dump);
    assert_eq!(
        mapping_of_the_dump.contains(CANARY),
        mapping.contains(CANARY)
    );
    for (place, text) in [
        ("what a client hears", heard.as_str()),
        ("the dump but for its user mappings", rest.as_str()),
        (
            "the server's log",
            fixture.database().cluster().log()?.as_str(),
        ),
    ] {
        assert!(!text.is_empty(), "{place} is empty");
        let line = text.lines().find(|line| line.contains(CANARY));
        assert_eq!(line, None, "in {place}");
    }
    Ok(())
}

/// Runs a statement and keeps all that the client hears of it.
fn hear(session: &mut Session, statement: &str, heard: &mut String) -> Result {
    match session.query(statement) {
        Ok(rows) => *heard += &rows.to_string(),
        Err(Error::Sql(message)) => *heard += &message.to_string(),
        Err(other) => return Err(other),
    }
    for notice in session.take_notices() {
        *heard += &notice.to_string();
    }
    Ok(())
}

/// From now on a role that is assumed gets credentials with secrets of its own, and one call fails with an echo of these
/// secrets.
fn assume_a_role_with_secrets(
    fixture: &Fixture,
    failing: Option<(&'static str, u16, &'static str)>,
    secrets: &'static [&'static str],
) {
    fixture.proxy().set_rule(move |call| match failing {
        Some((name, status, code)) if call.name == name => {
            Action::Reply(Reply::error(call, status, code, &echo(call, secrets)))
        }
        _ if call.name == "sts:AssumeRole" => Action::Alter(Alteration::new(|reply| {
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            let body = replaced(&body, "AccessKeyId", "AKIAROLE");
            let body = replaced(&body, "SecretAccessKey", "canary-of-the-role");
            let body = replaced(&body, "SessionToken", "canary-token-of-the-role");
            Reply {
                body: body.into_bytes(),
                ..reply
            }
        })),
        _ => Action::Forward,
    });
}

/// What a careless endpoint answers: all that it was sent, and the secrets that it has.
fn echo(call: &Call, secrets: &[&str]) -> String {
    let text = format!(
        "{} {} {} {}",
        call.headers,
        call.body,
        secrets.join(" "),
        secrets.join("%2F")
    );
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The document with another text in the element.
fn replaced(xml: &str, element: &str, text: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    match (xml.split_once(&open), xml.split_once(&close)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{open}{text}{close}{after}"),
        _ => xml.to_owned(),
    }
}

/// The statements of a dump that write user mappings, and the others.
fn cut_out_mappings(dump: &str) -> (String, String) {
    let (mappings, others): (Vec<&str>, Vec<&str>) = dump
        .split_inclusive(";\n")
        .partition(|statement| statement.contains("CREATE USER MAPPING"));
    (mappings.concat(), others.concat())
}

#[test]
fn the_environment_of_the_server_process_keeps_its_secret() -> Result {
    assert_kept(&Source {
        cluster: cluster()?,
        mapping: "",
        access_key_id: "AKIAENVIRONMENT",
        secrets: &[
            "canary-of-the-environment",
            "canary-token-of-the-environment",
        ],
    })
}

#[test]
fn a_profile_keeps_its_secret() -> Result {
    assert_kept(&Source {
        cluster: cluster()?,
        mapping: "CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (profile 'admin')",
        access_key_id: "AKIAPROFILE",
        secrets: &["canary-of-the-profile", "canary-token-of-the-profile"],
    })
}

#[test]
fn keys_in_a_user_mapping_are_in_the_user_mapping_only() -> Result {
    assert_kept(&Source {
        cluster: cluster()?,
        mapping: "CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'AKIAMAPPING',
             secret_access_key 'canary-of-the-mapping', session_token 'canary-token-of-the-mapping')",
        access_key_id: "AKIAMAPPING",
        secrets: &["canary-of-the-mapping", "canary-token-of-the-mapping"],
    })
}

#[test]
fn an_assumed_role_keeps_its_secret() -> Result {
    assert_kept(&Source {
        cluster: cluster()?,
        mapping: "CREATE USER MAPPING FOR CURRENT_USER SERVER aws
                  OPTIONS (role_arn 'arn:aws:iam::123456789012:role/admin')",
        access_key_id: "AKIAROLE",
        secrets: &[
            "canary-of-the-role",
            "canary-token-of-the-role",
            "canary-of-the-environment",
            "canary-token-of-the-environment",
        ],
    })
}

#[test]
fn a_web_identity_keeps_its_token_and_what_it_gets_for_it() -> Result {
    let (cluster, tokens) = cluster_with_a_web_identity()?;
    tokens.set_rule(|call| {
        let credentials = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
            <AccessKeyId>AKIAWEB</AccessKeyId><SecretAccessKey>canary-of-the-web-role</SecretAccessKey>\
            <SessionToken>canary-token-of-the-web-role</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
            </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
        Action::Reply(Reply {
            status: 200,
            body: credentials.into(),
            ..Reply::error(call, 200, "", "")
        })
    });
    assert_kept(&Source {
        cluster,
        mapping: "",
        access_key_id: "AKIAWEB",
        secrets: &[
            "canary-of-the-web-identity",
            "canary-of-the-web-role",
            "canary-token-of-the-web-role",
        ],
    })?;
    assert_eq!(
        tokens.calls()[0].parameter("WebIdentityToken").as_deref(),
        Some("canary-of-the-web-identity\n")
    );
    // The token service itself echoes what it was shown.
    tokens.set_rule(|call| {
        Action::Reply(Reply::error(
            call,
            400,
            "InvalidIdentityToken",
            &echo(call, &[]),
        ))
    });
    let fixture = Fixture::on(cluster)?;
    let mut session = fixture.session()?;
    session.query("DROP USER MAPPING FOR CURRENT_USER SERVER aws")?;
    let told = session
        .refusal("SELECT * FROM iasql_install('aws_iam')")?
        .to_string();
    assert!(
        told.contains("InvalidIdentityToken") && told.contains("***"),
        "{told}"
    );
    assert!(!told.contains(CANARY), "{told}");
    assert!(!cluster.log()?.contains(CANARY));
    Ok(())
}
