//! The identity of the server process goes nowhere that a lesser role can choose.

use iasql_tests::proxy::Proxy;
use iasql_tests::{Result, Stage};

/// A stage on which mallory, no superuser, owns a server that leads to a listener of his own.
fn mallorys_server(options: &str) -> Result<(Stage, String, Proxy)> {
    let stage = Stage::with(&["aws_cloudwatch"])?;
    let mallory = stage.stranger("mallory")?;
    stage.superuser()?.query(&format!(
        "GRANT USAGE ON FOREIGN DATA WRAPPER iasql TO {mallory}"
    ))?;
    let listener = Proxy::start(stage.fixture().proxy().endpoint())?;
    stage.as_role(&mallory)?.query(&format!(
        "CREATE SERVER evil FOREIGN DATA WRAPPER iasql OPTIONS (region 'us-east-2', endpoint_url '{}'{options})",
        listener.endpoint()
    ))?;
    Ok((stage, mallory, listener))
}

const FUNCTIONS: [&str; 5] = [
    "iasql_plan_apply()",
    "iasql_apply()",
    "iasql_plan_sync()",
    "iasql_sync()",
    "iasql_install('aws_iam')",
];

#[test]
fn a_superusers_own_identity_is_not_sent_to_a_server_that_a_lesser_role_owns() -> Result {
    let (stage, mallory, listener) = mallorys_server("")?;
    let mut superuser = stage.superuser()?;
    superuser.query("SET iasql.server = 'evil'")?;
    let mapping = |options: &str| {
        format!(
            "DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER evil;
             CREATE USER MAPPING FOR CURRENT_USER SERVER evil OPTIONS ({options})"
        )
    };
    let role = "role_arn 'arn:aws:iam::123456789012:role/any'";
    for (prepare, what) in [
        (String::new(), "the server process's own AWS identity"),
        (mapping("profile 'admin'"), "the profile admin"),
        (
            mapping("server_identity 'true'"),
            "the server process's own AWS identity",
        ),
        (mapping(role), "the server process's own AWS identity"),
        (
            mapping(&format!("{role}, profile 'admin'")),
            "the profile admin",
        ),
    ] {
        superuser.query(&prepare)?;
        for function in FUNCTIONS {
            let refusal = superuser.refusal(&format!("SELECT {function}"))?;
            assert_eq!(refusal.sqlstate, "42501", "{refusal}");
            assert_eq!(
                refusal.message,
                format!(
                    "foreign server \"evil\" belongs to user \"{mallory}\", who is not a superuser: {what} is not \
                     used through it"
                )
            );
            assert_eq!(
                refusal.hint,
                "ALTER SERVER evil OWNER TO CURRENT_USER; if it may be trusted, or use another one: SET iasql.server."
            );
        }
    }
    assert!(listener.calls().is_empty(), "{:?}", listener.calls());
    // What the hint says helps.
    superuser.query(
        "ALTER SERVER evil OWNER TO CURRENT_USER;
         DROP USER MAPPING FOR CURRENT_USER SERVER evil;
         CREATE USER MAPPING FOR CURRENT_USER SERVER evil OPTIONS (access_key_id 'test', secret_access_key 'test')",
    )?;
    let refusal = superuser.refusal("SELECT iasql_plan_apply()")?;
    assert!(
        refusal.message.contains("belong to AWS account"),
        "{refusal}"
    );
    Ok(())
}

#[test]
fn what_a_superuser_hands_out_is_not_sent_to_a_server_that_a_lesser_role_owns() -> Result {
    let (stage, mallory, listener) = mallorys_server("")?;
    for option in ["profile 'admin'", "server_identity 'true'"] {
        stage.superuser()?.query(&format!(
            "DROP USER MAPPING IF EXISTS FOR {mallory} SERVER evil;
             CREATE USER MAPPING FOR {mallory} SERVER evil OPTIONS ({option})"
        ))?;
        let mut session = stage.as_role(&mallory)?;
        session.query("SET iasql.server = 'evil'")?;
        let refusal = session.refusal("SELECT iasql_plan_apply()")?;
        assert_eq!(refusal.sqlstate, "42501", "{refusal}");
        assert!(
            refusal.message.contains("who is not a superuser"),
            "{refusal}"
        );
        assert_eq!(
            refusal.hint,
            "A superuser can take it over: ALTER SERVER evil OWNER TO CURRENT_USER; or use credentials of your own: \
             ALTER USER MAPPING."
        );
    }
    assert!(listener.calls().is_empty(), "{:?}", listener.calls());
    Ok(())
}

#[test]
fn an_owner_cannot_lead_a_server_with_allowed_roles_elsewhere() -> Result {
    let (stage, mallory, _listener) = mallorys_server("")?;
    stage.superuser()?.query(
        "ALTER SERVER evil OPTIONS (ADD allowed_role_arns 'arn:aws:iam::123456789012:role/*')",
    )?;
    let refusal = stage
        .as_role(&mallory)?
        .refusal("ALTER SERVER evil OPTIONS (SET endpoint_url 'http://127.0.0.1:1')")?;
    assert_eq!(refusal.sqlstate, "42501", "{refusal}");
    assert_eq!(
        refusal.message,
        "only a superuser may set option \"allowed_role_arns\""
    );
    Ok(())
}

#[test]
fn a_mapping_that_the_servers_owner_writes_for_a_superuser_leads_to_no_other_account() -> Result {
    // The owner of a server writes mappings for everybody. Keys of his own lead to his account, which is not the one
    // that the tables are bound to.
    let (stage, mallory, _listener) = mallorys_server("")?;
    stage.as_role(&mallory)?.query(
        "CREATE USER MAPPING FOR postgres SERVER evil OPTIONS (access_key_id 'mallorys', secret_access_key 'own')",
    )?;
    let mut superuser = stage.superuser()?;
    superuser.query(
        "INSERT INTO log_group (log_group_name) VALUES ('private'); SET iasql.server = 'evil'",
    )?;
    for function in FUNCTIONS {
        let refusal = superuser.refusal(&format!("SELECT {function}"))?;
        assert_eq!(refusal.sqlstate, "55000", "{refusal}");
        assert!(
            refusal.message.contains("belong to AWS account"),
            "{refusal}"
        );
    }
    assert_eq!(stage.log_groups()?, Vec::<String>::new());
    Ok(())
}
