//! Installing and uninstalling what does not exist, is needed, or is in the way.

use super::assert_says;
use iasql_tests::proxy::{Action, Reply};
use iasql_tests::{Fixture, Result};

#[test]
fn a_module_that_does_not_exist_is_named_with_the_nearest_that_does() -> Result {
    let fixture = Fixture::new()?;
    let mut session = fixture.session()?;
    for (name, nearest) in [
        ("aws_vpcs", "aws_vpc"),
        ("aws_ecs", "aws_ecs_fargate"),
        ("aws_security_groups@0.0.1", "aws_security_group"),
    ] {
        for function in ["iasql_install", "iasql_uninstall"] {
            let error =
                session.refusal(&format!("SELECT * FROM {function}('aws_iam', '{name}')"))?;
            assert_says(
                &error,
                "42704",
                &format!("module \"{name}\" does not exist"),
                &format!("Did you mean \"{nearest}\"? See iasql_modules_list()."),
            );
        }
    }
    let error = session.refusal("SELECT * FROM iasql_install('aws_vpc@9.9.9')")?;
    assert_says(
        &error,
        "42704",
        "module \"aws_vpc\" has no version \"9.9.9\"",
        "There is aws_vpc@0.0.1.",
    );
    let error = session.refusal("SELECT * FROM iasql_install('aws_vpc', NULL)")?;
    assert_says(
        &error,
        "22004",
        "the name of a module must not be null",
        "SELECT * FROM iasql_modules_list(); names them.",
    );
    for nothing in ["VARIADIC NULL", "VARIADIC '{}'"] {
        let rows = session.query(&format!("SELECT * FROM iasql_install({nothing})"))?;
        assert!(rows.is_empty(), "{nothing}");
    }
    assert!(
        session
            .query("SELECT * FROM iasql_modules_installed()")?
            .is_empty()
    );
    Ok(())
}

#[test]
fn a_module_that_others_need_is_not_uninstalled() -> Result {
    let fixture = Fixture::with(&["aws_elb"])?;
    let mut session = fixture.session()?;
    let before = session.query("SELECT count(*) FROM subnet")?;
    let error = session.refusal("SELECT * FROM iasql_uninstall('aws_vpc')")?;
    assert_says(
        &error,
        "2BP01",
        "cannot uninstall aws_vpc: still needed by aws_security_group, aws_elb",
        "Name them too: SELECT * FROM iasql_uninstall(…, 'aws_security_group', 'aws_elb');",
    );
    let error = session.refusal("SELECT * FROM iasql_uninstall('aws_ecr')")?;
    assert_says(
        &error,
        "42704",
        "module \"aws_ecr\" is not installed",
        "SELECT * FROM iasql_modules_installed(); names what is.",
    );
    assert_eq!(session.query("SELECT count(*) FROM subnet")?, before);
    // What the hint says helps.
    session.query("SELECT * FROM iasql_uninstall('aws_vpc', 'aws_security_group', 'aws_elb')")?;
    assert!(
        session
            .query("SELECT * FROM iasql_modules_installed()")?
            .is_empty()
    );
    Ok(())
}

#[test]
fn a_table_of_the_users_own_is_in_the_way_and_left_alone() -> Result {
    let fixture = Fixture::new()?;
    let mut session = fixture.session()?;
    session.query("CREATE TABLE subnet AS SELECT 'mine' AS whose")?;
    let error = session.refusal("SELECT * FROM iasql_install('aws_cloudwatch', 'aws_vpc')")?;
    assert_says(
        &error,
        "42P07",
        "relation \"subnet\" already exists in schema \"public\" and is not a table of iasql",
        "ALTER TABLE public.subnet RENAME TO …; or install into another schema: CREATE SCHEMA aws; SET search_path = \
         aws, public;",
    );
    assert_eq!(session.query("TABLE subnet")?.lines(), ["mine"]);
    // All of it or none.
    assert!(
        session
            .query("SELECT * FROM iasql_modules_installed()")?
            .is_empty()
    );
    assert!(session.refusal("TABLE log_group")?.sqlstate == "42P01");
    // What the hint says helps.
    session.query("CREATE SCHEMA aws; SET search_path = aws, public")?;
    session.install(&["aws_vpc"])?;
    assert_eq!(session.query("TABLE public.subnet")?.lines(), ["mine"]);
    // A module whose needs are elsewhere goes where they are.
    session.query("SET search_path = public")?;
    let error = session.refusal("SELECT * FROM iasql_install('aws_security_group')")?;
    assert_eq!(error.sqlstate, "55000", "{error}");
    assert_eq!(error.hint, "Install it there: SET search_path = aws;");
    session.query("SET search_path = aws")?;
    session.query("SELECT public.iasql_install('aws_security_group')")?;
    Ok(())
}

#[test]
fn there_must_be_a_schema_that_lasts_to_install_into() -> Result {
    let fixture = Fixture::new()?;
    let mut session = fixture.session()?;
    session.query("CREATE TEMP TABLE mine (n int)")?;
    for path in ["", "nowhere", "pg_temp"] {
        session.query(&format!(
            "SELECT set_config('search_path', '{path}', false)"
        ))?;
        let error = session.refusal("SELECT public.iasql_install('aws_cloudwatch')")?;
        assert_says(
            &error,
            "3F000",
            "no schema has been selected to create in",
            "CREATE SCHEMA aws; SET search_path = aws;",
        );
    }
    Ok(())
}

#[test]
fn an_install_that_cannot_read_the_account_leaves_nothing_behind() -> Result {
    let fixture = Fixture::new()?;
    let mut session = fixture.session()?;
    fixture.proxy().set_rule(|call| {
        if call.name.starts_with("ec2:") {
            Action::Reply(Reply::internal_error(call))
        } else {
            Action::Forward
        }
    });
    let error = session.refusal("SELECT * FROM iasql_install('aws_vpc')")?;
    assert_eq!(error.sqlstate, "58000", "{error}");
    for table in [
        "pg_tables WHERE tablename = 'vpc'",
        "iasql.installed_table",
        "iasql.binding",
        "iasql.known",
    ] {
        let count = session.query(&format!("SELECT count(*) FROM {table}"))?;
        assert_eq!(count.scalar(), Some("0"), "{table}");
    }
    fixture.proxy().forward_all();
    assert_eq!(session.install(&["aws_vpc"])?.len(), 2);
    Ok(())
}
