//! What there is in the account and in the tables, and how a test ends.

use iasql_tests::proxy::Call;
use iasql_tests::{Cloud, Fixture, Result, Rows, Service, Session, elements};
use serde_json::json;

/// An account and a database with tables for kinds of all sorts: log groups have a name, VPCs have neither name nor
/// key, security groups belong to a VPC and come with rules.
pub fn world() -> Result<Fixture> {
    Fixture::with(&["aws_cloudwatch", "aws_security_group"])
}

/// A statement of an ordinary apply.
pub const APPLY: &str = "SELECT action, table_name FROM iasql_apply()";

/// Runs a statement; returns its rows and what it said.
pub fn heard(session: &mut Session, sql: &str) -> Result<(Rows, String)> {
    session.take_notices();
    let rows = session.query(sql)?;
    let said: Vec<String> = session
        .take_notices()
        .into_iter()
        .map(|notice| notice.message)
        .collect();
    Ok((rows, said.join("\n")))
}

/// An object in the account: what users call it, and what AWS calls it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    name: String,
    id: String,
}

/// Everything in the account but what it came with.
fn objects(cloud: &Cloud) -> Result<Vec<Object>> {
    let mut found = Vec::new();
    let groups = cloud.json(Service::Logs, "DescribeLogGroups", &json!({}))?;
    for group in groups["logGroups"].as_array().into_iter().flatten() {
        let name = group["logGroupName"].as_str().unwrap_or_default();
        found.push(Object {
            name: format!("log_group {name}"),
            id: name.to_owned(),
        });
    }
    let ours = [
        ("Filter.1.Name", "is-default"),
        ("Filter.1.Value.1", "false"),
    ];
    let vpcs = cloud.query(Service::Ec2, "DescribeVpcs", &ours)?;
    let blocks = elements(&vpcs, "cidrBlock");
    // Each block is listed a second time among the VPC's associations.
    let blocks = blocks.iter().step_by(2);
    for (id, block) in elements(&vpcs, "vpcId").iter().zip(blocks) {
        found.push(Object {
            name: format!("vpc {block}"),
            id: (*id).to_owned(),
        });
    }
    let groups = cloud.query(Service::Ec2, "DescribeSecurityGroups", &[])?;
    for group in groups.split("<groupName>").skip(1) {
        let name = group.split('<').next().unwrap_or_default();
        let id = groups.split(&format!("<groupName>{name}")).next();
        let id = id.and_then(|before| elements(before, "groupId").last().copied());
        if name != "default" {
            found.push(Object {
                name: format!("security_group {name}"),
                id: id.unwrap_or_default().to_owned(),
            });
        }
    }
    found.sort();
    Ok(found)
}

/// What users call everything in the account but what it came with.
pub fn in_cloud(fixture: &Fixture) -> Result<Vec<String>> {
    let objects = objects(&fixture.cloud())?.into_iter();
    Ok(objects.map(|object| object.name).collect())
}

/// What the tables say there is, but for what the account came with.
fn in_tables(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.query(
        "SELECT 'log_group ' || log_group_name FROM log_group
         UNION ALL SELECT 'vpc ' || cidr_block FROM vpc WHERE NOT is_default
         UNION ALL SELECT 'security_group ' || group_name FROM security_group WHERE group_name <> 'default'",
    )?;
    let mut lines = rows.lines();
    lines.sort();
    Ok(lines)
}

/// The calls that changed the account, by name.
pub fn writes(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.proxy().calls();
    let writing = calls.into_iter().filter(Call::mutates);
    writing.map(|call| call.name).collect()
}

/// How often the account was asked to do this.
pub fn count(fixture: &Fixture, call: &str) -> usize {
    let writes = writes(fixture);
    writes.iter().filter(|name| *name == call).count()
}

/// Whatever happened before: what is in the account and in no row is named; one apply and one sync, each as its plan
/// said, are all it takes until account and tables both hold just this and there is nothing left to do.
pub fn settles(fixture: &Fixture, expected: &[&str]) -> Result {
    let mut session = fixture.session()?;
    let rows = in_tables(&mut session)?;
    let plan = "SELECT action, table_name, description FROM iasql_plan_apply()";
    let (plan, said) = heard(&mut session, plan)?;
    let planned: Vec<String> = plan
        .rows
        .iter()
        .map(|row| {
            let value = |column: usize| row[column].as_deref().unwrap_or_default();
            format!("{}|{}", value(0), value(1))
        })
        .collect();
    let described = plan.column("description")?;
    for object in objects(&fixture.cloud())? {
        assert!(
            rows.contains(&object.name)
                || said.contains(&object.id)
                || described.contains(&object.id.as_str()),
            "nobody said anything about {object:?}; what was said:\n{said}"
        );
    }
    let (applied, said_again) = heard(&mut session, APPLY)?;
    assert_eq!(sorted(applied.lines()), sorted(planned));
    for line in said.lines() {
        assert!(said_again.contains(line), "apply did not say: {line}");
    }
    session.query("SELECT iasql_sync()")?;
    assert_eq!(in_cloud(fixture)?, expected, "the account");
    assert_eq!(in_tables(&mut session)?, expected, "the tables");
    is_settled(fixture)
}

/// There is nothing to do and nothing to say.
pub fn is_settled(fixture: &Fixture) -> Result {
    let mut session = fixture.session()?;
    fixture.proxy().forget_calls();
    for function in ["iasql_plan_apply", "iasql_plan_sync", "iasql_apply"] {
        let (rows, said) = heard(&mut session, &format!("SELECT * FROM {function}()"))?;
        assert!(rows.is_empty(), "{function}() has rows:\n{rows}");
        assert_eq!(said, "", "{function}()");
    }
    assert_eq!(writes(fixture), Vec::<String>::new());
    Ok(())
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}
