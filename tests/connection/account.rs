//! The tables belong to one account, which is compared before anything is planned.

use super::{role, session_of};
use iasql_tests::{Fixture, Result};

const OWN: &str = "arn:aws:iam::123456789012:role/deployer";
const FOREIGN: &str = "arn:aws:iam::111111111111:role/deployer";
const OWN_HINT: &str = "A superuser can allow roles with ALTER SERVER aws OPTIONS (ADD allowed_role_arns '…'), or write \
                        the user mapping.";

#[test]
fn a_role_must_be_among_those_that_the_server_allows() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let name = role(&fixture, "deployer")?;
    let mut superuser = fixture.session()?;
    superuser.query(&format!(
        "GRANT SELECT ON log_group TO {name};
         CREATE USER MAPPING FOR {name} SERVER aws OPTIONS (role_arn '{OWN}')"
    ))?;
    let mut session = session_of(&fixture, &name)?;
    for allowed in [
        "",
        "ADD allowed_role_arns 'arn:aws:iam::123456789012:role/deploy'",
        "SET allowed_role_arns 'arn:aws:iam::111111111111:role/*, arn:aws:iam::123456789012:role/other*'",
    ] {
        if !allowed.is_empty() {
            superuser.query(&format!("ALTER SERVER aws OPTIONS ({allowed})"))?;
        }
        fixture.proxy().forget_calls();
        let refusal = session.refusal("SELECT * FROM iasql_plan_apply()")?;
        assert_eq!(refusal.sqlstate, "42501", "{allowed}: {refusal}");
        assert_eq!(
            refusal.message,
            format!("user \"{name}\" may not use the role {OWN} through foreign server \"aws\"")
        );
        assert_eq!(refusal.hint, OWN_HINT);
        assert!(fixture.proxy().calls().is_empty());
    }
    Ok(())
}

#[test]
fn an_assumed_role_names_the_database_user_and_must_lead_to_the_same_account() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let name = role(&fixture, "deployer")?;
    fixture.session()?.query(&format!(
        "GRANT ALL ON log_group TO {name};
         GRANT USAGE ON SEQUENCE log_group_row_id_seq TO {name};
         CREATE USER MAPPING FOR {name} SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test', role_arn '{OWN}')"
    ))?;
    let mut session = session_of(&fixture, &name)?;
    fixture.proxy().forget_calls();
    session.query("INSERT INTO log_group (log_group_name) VALUES ('new')")?;
    let applied = session.query("SELECT * FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["create|log_group|1|new"]);
    let calls = fixture.proxy().calls();
    let assumed: Vec<_> = calls
        .iter()
        .filter(|call| call.name == "sts:AssumeRole")
        .collect();
    assert_eq!(assumed.len(), 1);
    assert_eq!(assumed[0].parameter("RoleArn").as_deref(), Some(OWN));
    assert_eq!(
        assumed[0].parameter("RoleSessionName"),
        Some(format!("iasql-{name}").chars().take(64).collect())
    );
    assert!(
        calls
            .iter()
            .any(|call| call.name == "logs:CreateLogGroup" && call.access_key_id != "test")
    );

    session.query(&format!(
        "INSERT INTO log_group (log_group_name) VALUES ('more');
         ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (SET role_arn '{FOREIGN}')"
    ))?;
    fixture.proxy().forget_calls();
    for function in [
        "iasql_plan_apply",
        "iasql_apply",
        "iasql_plan_sync",
        "iasql_sync",
    ] {
        let refusal = session.refusal(&format!("SELECT * FROM {function}()"))?;
        let endpoint = fixture.proxy().endpoint();
        assert_eq!(refusal.sqlstate, "55000", "{refusal}");
        assert_eq!(
            refusal.message,
            format!(
                "the tables belong to AWS account 123456789012 (aws) at {endpoint}, but the credentials lead to \
                 111111111111 (aws) at {endpoint}"
            )
        );
    }
    // Nothing of either account was even looked at.
    let services: Vec<_> = fixture
        .proxy()
        .calls()
        .iter()
        .filter(|call| !call.name.starts_with("sts:"))
        .cloned()
        .collect();
    assert!(services.is_empty(), "{services:?}");
    Ok(())
}

#[test]
fn another_endpoint_is_another_account() -> Result {
    let (fixture, other) = (Fixture::with(&["aws_cloudwatch"])?, Fixture::new()?);
    let mut session = fixture.session()?;
    session.query(&format!(
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER iasql OPTIONS (region 'us-east-2', endpoint_url '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (access_key_id 'test', secret_access_key 'test');
         INSERT INTO log_group (log_group_name) VALUES ('new');
         SET iasql.server = 'elsewhere'",
        other.proxy().endpoint()
    ))?;
    let refusal = session.refusal("SELECT * FROM iasql_apply()")?;
    assert_eq!(refusal.sqlstate, "55000", "{refusal}");
    assert_eq!(
        other
            .proxy()
            .calls()
            .iter()
            .filter(|call| call.mutates())
            .count(),
        0
    );
    session.query("SET iasql.server = 'aws'")?;
    assert_eq!(session.query("SELECT * FROM iasql_apply()")?.len(), 1);
    Ok(())
}
