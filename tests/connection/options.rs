//! Options are checked when they are written, and no message repeats a secret.

use super::{role, session_of};
use iasql_tests::{Cluster, Fixture, Result};

/// Stands for a secret wherever one may be written.
const SECRET: &str = "wJalrXUtnFEMI-canary";

#[test]
fn unknown_and_malformed_options_are_refused_when_written() -> Result {
    let fixture = Fixture::new()?;
    let mut session = fixture.session()?;
    let cases = [
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (regoin 'us-east-2')",
            "HV00D",
            "invalid option \"regoin\"",
            "Valid options are: region, endpoint_url, allowed_role_arns, request_limits.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (region 'us east 2')",
            "HV024",
            "invalid value for option \"region\"",
            "A region is a name like us-east-2.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (endpoint_url 'localhost:5000')",
            "HV024",
            "invalid value for option \"endpoint_url\"",
            "An endpoint is a URL like http://127.0.0.1:5000.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (endpoint_url 'http://')",
            "HV024",
            "invalid value for option \"endpoint_url\"",
            "An endpoint is a URL like http://127.0.0.1:5000.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (endpoint_url 'http://me:wJalrXUtnFEMI-canary@host')",
            "HV024",
            "invalid value for option \"endpoint_url\"",
            "An endpoint is a URL like http://127.0.0.1:5000.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (request_limits '0')",
            "HV024",
            "invalid value for option \"request_limits\"",
            "Request limits are a whole number of times those that AWS publishes, like 10.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (request_limits '-1')",
            "HV024",
            "invalid value for option \"request_limits\"",
            "Request limits are a whole number of times those that AWS publishes, like 10.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (request_limits '1.5')",
            "HV024",
            "invalid value for option \"request_limits\"",
            "Request limits are a whole number of times those that AWS publishes, like 10.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (request_limits 'ten')",
            "HV024",
            "invalid value for option \"request_limits\"",
            "Request limits are a whole number of times those that AWS publishes, like 10.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (request_limits '')",
            "HV024",
            "invalid value for option \"request_limits\"",
            "Request limits are a whole number of times those that AWS publishes, like 10.",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER iasql OPTIONS (access_key_id 'wJalrXUtnFEMI-canary')",
            "HV00D",
            "invalid option \"access_key_id\"",
            "Valid options are: region, endpoint_url, allowed_role_arns, request_limits.",
        ),
        (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD sekret 'wJalrXUtnFEMI-canary')",
            "HV00D",
            "invalid option \"sekret\"",
            "Valid options are: access_key_id, secret_access_key, session_token, profile, role_arn, external_id, server_identity.",
        ),
        (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD role_arn 'wJalrXUtnFEMI-canary')",
            "HV024",
            "invalid value for option \"role_arn\"",
            "A role is an ARN like arn:aws:iam::123456789012:role/name.",
        ),
        (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (SET secret_access_key '')",
            "HV024",
            "invalid value for option \"secret_access_key\"",
            "The value is empty.",
        ),
        (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (DROP access_key_id)",
            "HV000",
            "access_key_id and secret_access_key go together",
            "Set both, or neither.",
        ),
        (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD external_id 'x')",
            "HV000",
            "external_id goes with role_arn",
            "Set role_arn too.",
        ),
        (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD profile 'x')",
            "HV000",
            "access_key_id and profile exclude each other",
            "Set one of them.",
        ),
        (
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD server_identity 'yes')",
            "HV024",
            "invalid value for option \"server_identity\"",
            "The only value is true.",
        ),
        (
            "ALTER FOREIGN DATA WRAPPER iasql OPTIONS (ADD region 'us-east-2')",
            "HV00D",
            "invalid option \"region\"",
            "A foreign table or wrapper of iasql has no options.",
        ),
    ];
    for (statement, sqlstate, message, hint) in cases {
        let refusal = session.refusal(statement)?;
        assert_eq!(
            (
                refusal.sqlstate.as_str(),
                refusal.message.as_str(),
                refusal.hint.as_str()
            ),
            (sqlstate, message, hint),
            "{statement}"
        );
        assert!(!refusal.to_string().contains(SECRET), "{refusal}");
    }
    // What was there still serves.
    session.install(&["aws_cloudwatch"])?;
    Ok(())
}

#[test]
fn keys_in_a_mapping_are_taken_with_a_warning_that_does_not_repeat_them() -> Result {
    let fixture = Fixture::new()?;
    let role = role(&fixture, "holder")?;
    let mut session = session_of(&fixture, &role)?;
    session.query(&format!(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key '{SECRET}')"
    ))?;
    let notices = session.take_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(
        (
            notices[0].severity.as_str(),
            notices[0].message.as_str(),
            notices[0].hint.as_str()
        ),
        (
            "WARNING",
            "keys in a user mapping are part of every dump of this database",
            "Use role_arn, or profile where a superuser writes the mapping."
        )
    );
    assert!(!notices[0].to_string().contains(SECRET));
    Ok(())
}

#[test]
fn what_the_server_process_may_is_handed_out_by_superusers_only() -> Result {
    let fixture = Fixture::new()?;
    let role = role(&fixture, "climber")?;
    let mut session = session_of(&fixture, &role)?;
    for option in ["profile 'default'", "server_identity 'true'"] {
        let refusal = session.refusal(&format!(
            "CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS ({option})"
        ))?;
        let name = option.split(' ').next().unwrap_or_default();
        assert_eq!(refusal.sqlstate, "42501");
        assert_eq!(
            refusal.message,
            format!("only a superuser may set option \"{name}\"")
        );
        assert_eq!(
            refusal.hint,
            "It gives access to what the server process may do in AWS."
        );
        // A superuser may, also for another role; who has the mapping cannot turn it into something else.
        fixture.session()?.query(&format!(
            "CREATE USER MAPPING FOR {role} SERVER aws OPTIONS ({option})"
        ))?;
        let refusal = session.refusal(
            "ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD role_arn 'arn:aws:iam::123456789012:role/any')",
        )?;
        assert_eq!(refusal.sqlstate, "42501", "{refusal}");
        session.query("DROP USER MAPPING FOR CURRENT_USER SERVER aws")?;
    }
    let refusal = session.refusal("CREATE SERVER mine FOREIGN DATA WRAPPER iasql")?;
    assert_eq!(refusal.sqlstate, "42501");
    fixture.session()?.query(&format!(
        "ALTER SERVER aws OWNER TO postgres; GRANT USAGE ON FOREIGN DATA WRAPPER iasql TO {role}"
    ))?;
    let refusal = session.refusal(
        "CREATE SERVER mine FOREIGN DATA WRAPPER iasql OPTIONS (allowed_role_arns 'arn:aws:iam::123456789012:role/*')",
    )?;
    assert_eq!(
        refusal.message,
        "only a superuser may set option \"allowed_role_arns\""
    );
    Ok(())
}

#[test]
fn without_a_server_others_are_told_the_statements_that_make_one() -> Result {
    let fixture = Fixture::new()?;
    let database = Cluster::shared()?.create_database()?;
    let mut superuser = database.connect()?;
    let role = format!("stranger_{}", database.name());
    superuser.query(&format!("CREATE EXTENSION iasql; CREATE ROLE {role} LOGIN"))?;
    let mut session = database.connect_as(&role)?;
    let refusal = session.refusal("SELECT * FROM iasql_plan_apply()")?;
    assert_eq!(refusal.sqlstate, "42704");
    assert_eq!(
        refusal.message,
        "there is no foreign server named \"aws\" that uses the foreign-data wrapper iasql"
    );
    assert_eq!(
        refusal.hint,
        format!(
            "CREATE SERVER aws FOREIGN DATA WRAPPER iasql OPTIONS (region 'us-east-2');\n\
             GRANT USAGE ON FOREIGN SERVER aws TO {role};\n\
             CREATE USER MAPPING FOR {role} SERVER aws OPTIONS (access_key_id '…', secret_access_key '…');"
        )
    );
    // What the hint says helps, with an emulator's address and real keys put in.
    let endpoint = fixture.proxy().endpoint();
    let statements = refusal.hint.replace("'…'", "'test'").replace(
        "'us-east-2'",
        &format!("'us-east-2', endpoint_url '{endpoint}'"),
    );
    superuser.query(&statements)?;
    assert!(
        session
            .query("SELECT * FROM iasql_plan_apply()")?
            .is_empty()
    );
    Ok(())
}

#[test]
fn a_missing_usage_and_a_missing_mapping_are_named() -> Result {
    let fixture = Fixture::new()?;
    let role = role(&fixture, "nobody")?;
    let mut session = session_of(&fixture, &role)?;
    let refusal = session.refusal("SELECT * FROM iasql_plan_apply()")?;
    assert_eq!(refusal.sqlstate, "42704");
    assert_eq!(
        refusal.message,
        format!("user \"{role}\" has no user mapping for foreign server \"aws\"")
    );
    assert_eq!(
        refusal.hint,
        format!("CREATE USER MAPPING FOR {role} SERVER aws OPTIONS (role_arn 'arn:aws:iam::…');")
    );
    fixture
        .session()?
        .query(&format!("REVOKE USAGE ON FOREIGN SERVER aws FROM {role}"))?;
    let refusal = session.refusal("SELECT * FROM iasql_plan_apply()")?;
    assert_eq!(refusal.sqlstate, "42501");
    assert_eq!(refusal.message, "permission denied for foreign server aws");
    assert_eq!(
        refusal.hint,
        format!("GRANT USAGE ON FOREIGN SERVER aws TO {role};")
    );
    Ok(())
}
