//! Where credentials come from, and what is said when there are none.

use iasql_tests::proxy::{Action, Reply};
use iasql_tests::{Cluster, ClusterOptions, Emulator, Error, Fixture, Result};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn credentials_that_aws_does_not_accept_are_an_error_and_nothing_is_lost() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    fixture
        .session()?
        .query("INSERT INTO log_group (log_group_name) VALUES ('new')")?;
    for (service, status, code) in [
        ("sts", 403, "InvalidClientTokenId"),
        ("sts", 403, "SignatureDoesNotMatch"),
        ("logs", 400, "UnrecognizedClientException"),
    ] {
        fixture.proxy().set_rule(move |call| {
            if call.name.starts_with(service) {
                Action::Reply(Reply::error(
                    call,
                    status,
                    code,
                    "The security token is invalid.",
                ))
            } else {
                Action::Forward
            }
        });
        let mut session = fixture.session()?;
        let refusal = session.refusal("SELECT * FROM iasql_apply()")?;
        let operation = if service == "sts" {
            "sts:GetCallerIdentity"
        } else {
            "logs:DescribeLogGroups"
        };
        assert_eq!(refusal.sqlstate, "28000", "{refusal}");
        assert_eq!(
            refusal.message,
            format!("cannot read AWS: {operation}: {code}: The security token is invalid.")
        );
        assert_eq!(
            refusal.detail,
            format!(
                "AWS operation {operation}, code {code}, request id {}: The security token is invalid.",
                Reply::REQUEST_ID
            )
        );
        assert_eq!(
            refusal.hint,
            "Check the options of the user mapping (\\deu+), or the credentials of the server process."
        );
        fixture.proxy().forward_all();
        let plan = session.query("SELECT * FROM iasql_plan_apply()")?;
        assert_eq!(plan.lines(), ["create|log_group|1|new"]);
    }
    Ok(())
}

/// A server whose metadata service takes connections and never answers, as in a network that drops packets.
fn cluster_without_credentials() -> Result<&'static Cluster> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut stream.take(u64::MAX), &mut std::io::sink()));
        }
    });
    let options = ClusterOptions::default()
        .environment("AWS_EC2_METADATA_DISABLED", "false")
        .environment(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            &format!("http://{address}"),
        );
    Ok(Box::leak(Box::new(Cluster::start_with(options)?)))
}

#[test]
fn without_credentials_the_default_chain_fails_soon_and_finds_what_is_written_later() -> Result {
    let cluster = cluster_without_credentials()?;
    let fixture = Fixture::on(cluster)?;
    let mut session = fixture.session()?;
    session.query("DROP USER MAPPING FOR CURRENT_USER SERVER aws")?;
    let begun = Instant::now();
    let refusal = session.refusal("SELECT * FROM iasql_install('aws_cloudwatch')")?;
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(refusal.sqlstate, "28000", "{refusal}");
    assert_eq!(
        refusal.hint,
        "Check the options of the user mapping (\\deu+), or the credentials of the server process."
    );
    // The same session finds credentials that were written meanwhile.
    let folder = cluster.home().join(".aws");
    fs::create_dir(&folder).map_err(io)?;
    let file = folder.join("credentials");
    fs::write(
        &file,
        "[default]\naws_access_key_id = test\naws_secret_access_key = test\n",
    )
    .map_err(io)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).map_err(io)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).map_err(io)?;
    session.install(&["aws_cloudwatch"])?;
    Ok(())
}

#[test]
fn a_superuser_without_server_gets_the_default_chain_and_region() -> Result {
    let emulator = Emulator::take()?;
    let cluster = Cluster::start_with(
        ClusterOptions::default()
            .environment("AWS_ACCESS_KEY_ID", "test")
            .environment("AWS_SECRET_ACCESS_KEY", "test")
            .environment("AWS_REGION", "eu-west-1"),
    )?;
    let database = cluster.create_database()?;
    let mut session = database.connect()?;
    // An endpoint can be told by a server only; its region comes from the process all the same.
    session.query(&format!(
        "CREATE EXTENSION iasql;
         CREATE SERVER aws FOREIGN DATA WRAPPER iasql OPTIONS (endpoint_url '{}')",
        emulator.endpoint()
    ))?;
    session.install(&["aws_cloudwatch"])?;
    assert_eq!(
        session.query("SELECT iasql.default_region()")?.scalar(),
        Some("eu-west-1")
    );
    Ok(())
}

#[test]
fn an_endpoint_that_is_down_or_no_endpoint_of_aws_is_an_error_and_not_an_empty_account() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch", "aws_vpc"])?;
    let mut session = fixture.session()?;
    let rows = session.query("SELECT count(*) FROM subnet")?;
    for status in [200, 502] {
        fixture.proxy().set_rule(move |_| {
            Action::Reply(Reply {
                status,
                headers: vec![("content-type".into(), "text/html".into())],
                body: "<html><body>It works!</body></html>".into(),
            })
        });
        for function in ["iasql_plan_apply", "iasql_apply", "iasql_sync"] {
            // Also where the session has met the endpoint before.
            let refusal = session.refusal(&format!("SELECT * FROM {function}()"))?;
            let (sqlstate, hint) = match status {
                200 => (
                    "08006",
                    "Check that the server's endpoint_url is an AWS endpoint; something else answered.",
                ),
                _ => ("58000", "Run it again: what was done is not done twice."),
            };
            assert_eq!(
                (refusal.sqlstate.as_str(), refusal.hint.as_str()),
                (sqlstate, hint),
                "{refusal}"
            );
            assert!(
                refusal.message.ends_with(&format!(
                    "answered with HTTP {status} and a body that AWS does not send"
                )),
                "{refusal}"
            );
        }
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(io)?;
    session.query(&format!(
        "ALTER SERVER aws OPTIONS (SET endpoint_url 'http://{closed}')"
    ))?;
    let refusal = session.refusal("SELECT * FROM iasql_sync()")?;
    assert_eq!(refusal.sqlstate, "08006", "{refusal}");
    assert_eq!(
        refusal.hint,
        "Check the server's endpoint_url and region, and the network."
    );
    assert_eq!(session.query("SELECT count(*) FROM subnet")?, rows);
    Ok(())
}

fn io(source: std::io::Error) -> Error {
    Error::Io {
        path: "the test".into(),
        source,
    }
}
