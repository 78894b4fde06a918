//! A service that cannot be read is named, and nothing is concluded about it.

use super::{assert_nothing_to_do, changes, warnings};
use iasql_tests::proxy::{Action, Call, Reply};
use iasql_tests::{Fixture, Result};

fn deny(fixture: &Fixture, denied: impl Fn(&Call) -> bool + Send + Sync + 'static) {
    fixture.proxy().set_rule(move |call| {
        if denied(call) {
            Action::Reply(Reply::access_denied(call))
        } else {
            Action::Forward
        }
    });
}

#[test]
fn a_denied_service_is_a_warning_and_its_rows_and_objects_stay() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch", "aws_iam"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO log_group (log_group_name) VALUES ('kept'), ('deleted');
         SELECT iasql_apply();
         DELETE FROM log_group WHERE log_group_name = 'deleted';
         INSERT INTO log_group (log_group_name) VALUES ('new');
         INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{\"Statement\": []}')",
    )?;
    let rows = session.query("SELECT * FROM log_group ORDER BY row_id")?;
    deny(&fixture, |call| call.name.starts_with("logs:"));
    fixture.proxy().forget_calls();
    session.take_notices();
    let applied = session.query("SELECT * FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["create|role|1|r"]);
    let said = warnings(&mut session);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].sqlstate, "01000");
    assert_eq!(
        said[0].message,
        "cannot read log_group in us-east-2: logs:DescribeLogGroups: AccessDeniedException: User is not authorized to \
         perform: logs:DescribeLogGroups; its rows are left as they are"
    );
    assert_eq!(
        said[0].hint,
        "Allow the action logs:DescribeLogGroups to the role or user."
    );
    assert_eq!(changes(&fixture), ["iam:CreateRole"]);
    assert!(session.query("SELECT * FROM iasql_sync()")?.is_empty());
    assert_eq!(
        session.query("SELECT * FROM log_group ORDER BY row_id")?,
        rows
    );

    fixture.proxy().forward_all();
    let applied = session.query("SELECT * FROM iasql_apply()")?;
    let mut actions = applied.lines();
    actions.sort();
    assert_eq!(
        actions,
        ["create|log_group|3|new", "delete|log_group||deleted"]
    );
    assert_nothing_to_do(&mut session)
}

#[test]
fn what_helps_depends_on_why_a_table_cannot_be_read() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch", "aws_iam"])?;
    let mut session = fixture.session()?;
    const NO_SERVICE: &str = "If the endpoint does not have this service, check the server's endpoint_url, or: SELECT * \
        FROM iasql_uninstall('aws_cloudwatch');";
    let faulty = format!("Run it again. {NO_SERVICE}");
    for (status, code, hint) in [
        (500, "ServiceUnavailableException", faulty.as_str()),
        (404, "UnknownOperationException", NO_SERVICE),
    ] {
        fixture
            .proxy()
            .set_rule(move |call| match call.name.as_str() {
                "logs:DescribeLogGroups" => Action::Reply(Reply::error(call, status, code, "No.")),
                _ => Action::Forward,
            });
        session.query("SELECT * FROM iasql_plan_apply()")?;
        let said = warnings(&mut session);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].hint, hint);
    }
    Ok(())
}

#[test]
fn rows_that_refer_to_what_cannot_be_read_keep_their_references() -> Result {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO security_group (group_name, description) VALUES ('web', 'web');
         SELECT iasql_apply()",
    )?;
    let groups = "SELECT * FROM security_group ORDER BY id";
    let subnets = "SELECT subnet_id, vpc_id FROM subnet ORDER BY id";
    let before = (session.query(groups)?, session.query(subnets)?);
    deny(&fixture, |call| call.name == "ec2:DescribeVpcs");
    fixture.proxy().forget_calls();
    for run in [
        "iasql_plan_apply",
        "iasql_apply",
        "iasql_plan_sync",
        "iasql_sync",
    ] {
        let rows = session.query(&format!("SELECT * FROM {run}()"))?;
        assert!(rows.is_empty(), "{run}: {rows}");
    }
    assert_eq!((session.query(groups)?, session.query(subnets)?), before);
    // Whose group it is cannot be told without the VPCs: so the groups are left alone too.
    session.query("UPDATE security_group SET tags = '{\"a\": \"b\"}' WHERE group_name = 'web'")?;
    session.take_notices();
    assert!(session.query("SELECT * FROM iasql_apply()")?.is_empty());
    let said = warnings(&mut session);
    for table in ["vpc", "security_group"] {
        let start =
            format!("cannot read {table} in us-east-2: ec2:DescribeVpcs: UnauthorizedOperation: ");
        assert!(
            said.iter()
                .any(|warning| warning.message.starts_with(&start)),
            "{table}: {said:?}"
        );
    }
    assert_eq!(changes(&fixture), Vec::<String>::new());
    fixture.proxy().forward_all();
    assert_eq!(session.query("SELECT * FROM iasql_apply()")?.len(), 1);
    assert_nothing_to_do(&mut session)
}

#[test]
fn a_row_that_only_refers_to_what_cannot_be_read_is_applied_as_ever() -> Result {
    let fixture = Fixture::with(&["aws_elb"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('web', 'ip', 'HTTP', 80);
         INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
         VALUES ('web', 'internet-facing', 'application', 'ipv4');
         INSERT INTO listener (load_balancer_name, port, protocol, target_group_name) VALUES ('web', 80, 'HTTP', 'web');
         SELECT iasql_apply();
         UPDATE listener SET port = 81",
    )?;
    deny(&fixture, |call| {
        call.name == "elasticloadbalancing:DescribeTargetGroups"
    });
    fixture.proxy().forget_calls();
    let applied = session.query("SELECT action, table_name FROM iasql_apply()")?;
    assert_eq!(applied.lines(), ["update|listener"]);
    assert_eq!(changes(&fixture), ["elasticloadbalancing:ModifyListener"]);
    let row = session.query("SELECT port, target_group_name FROM listener")?;
    assert_eq!(row.lines(), ["81|web"]);
    fixture.proxy().forward_all();
    assert_nothing_to_do(&mut session)
}
