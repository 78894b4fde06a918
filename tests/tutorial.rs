//! The tutorial that users start from, by the clients that they use, from its first statement to its last.

use std::collections::BTreeMap;
use std::path::Path;

use iasql_tests::proxy::{Call, Proxy};
use iasql_tests::{Cloud, Fixture, Migrations, Output, Result, Service, Session, elements};
use serde_json::{Value, json};

/// The published tutorial where it lies beside this repository, else the project's own copy of the story.
fn story() -> Result<Migrations> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let published = root.join("../shared/acceptance/flyway");
    let own = root.join("examples/tutorial");
    let folder = if published.is_dir() { published } else { own };
    println!("the story is that of {}", folder.display());
    Migrations::open(&folder)
}

/// How many calls of each operation there were.
fn counted(calls: &[Call]) -> BTreeMap<String, usize> {
    calls.iter().fold(BTreeMap::new(), |mut counts, call| {
        *counts.entry(call.name.clone()).or_default() += 1;
        counts
    })
}

/// Prints the calls since the last time and returns how many of them changed the cloud.
fn writes(proxy: &Proxy, what: &str) -> usize {
    writes_and_reads(proxy, what).0
}

/// Prints the calls since the last time and returns how many of them changed the cloud, and how many did not.
fn writes_and_reads(proxy: &Proxy, what: &str) -> (usize, usize) {
    let calls = proxy.calls();
    proxy.forget_calls();
    let (writing, reading): (Vec<Call>, Vec<Call>) = calls.into_iter().partition(Call::mutates);
    println!(
        "{what}: {} writing calls {:?}, {} reading calls {:?}",
        writing.len(),
        counted(&writing),
        reading.len(),
        counted(&reading)
    );
    (writing.len(), reading.len())
}

/// What is left in the account, but for the default VPC, its subnets and its `default` group. Listeners go with their
/// load balancer.
fn left_in(cloud: &Cloud) -> Result<Vec<String>> {
    let mut left = Vec::new();
    let mut add = |found: Vec<&str>| left.extend(found.into_iter().map(str::to_owned));
    let not_default = [
        ("Filter.1.Name", "is-default"),
        ("Filter.1.Value.1", "false"),
    ];
    add(elements(
        &cloud.query(Service::Ec2, "DescribeVpcs", &not_default)?,
        "vpcId",
    ));
    let groups = cloud.query(Service::Ec2, "DescribeSecurityGroups", &[])?;
    add(elements(&groups, "groupName")
        .into_iter()
        .filter(|name| *name != "default")
        .collect());
    for (operation, element) in [
        ("DescribeLoadBalancers", "LoadBalancerArn"),
        ("DescribeTargetGroups", "TargetGroupArn"),
    ] {
        add(elements(
            &cloud.query(Service::Elbv2, operation, &[])?,
            element,
        ));
    }
    add(elements(
        &cloud.query(Service::Iam, "ListRoles", &[])?,
        "RoleName",
    ));
    for (service, operation, list) in [
        (Service::Ecr, "DescribeRepositories", "repositories"),
        (Service::Logs, "DescribeLogGroups", "logGroups"),
        (Service::Ecs, "ListTaskDefinitions", "taskDefinitionArns"),
    ] {
        let answer = cloud.json(service, operation, &json!({}))?;
        left.extend(texts(&answer[list]));
    }
    // A deleted cluster stays on the list as `INACTIVE`.
    let clusters = &cloud.json(Service::Ecs, "ListClusters", &json!({}))?["clusterArns"];
    let clusters = cloud.json(
        Service::Ecs,
        "DescribeClusters",
        &json!({"clusters": clusters}),
    )?;
    left.extend(texts(&clusters["clusters"]).filter(|cluster| cluster.contains("\"ACTIVE\"")));
    Ok(left)
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().map(Value::to_string)
}

fn is_empty(session: &mut Session, function: &str) -> Result {
    let rows = session.query(&format!("SELECT * FROM {function}()"))?;
    assert!(rows.is_empty(), "{function}() has rows:\n{rows}");
    Ok(())
}

/// What the tutorial says after its migrations, and then its end.
fn live_through(fixture: &Fixture, migrated: &Output) -> Result {
    assert!(migrated.success(), "{migrated}");
    let mut session = fixture.session()?;
    writes(fixture.proxy(), "install and create");

    let uri = session
        .query("SELECT repository_uri FROM repository WHERE repository_name LIKE 'quickstart%'")?;
    assert_eq!(uri.len(), 1);
    assert!(
        uri.scalar()
            .is_some_and(|uri| uri.contains(".dkr.ecr.us-east-2.amazonaws.com/quickstart")),
        "{uri}"
    );
    let name = session
        .query("SELECT dns_name FROM load_balancer WHERE load_balancer_name LIKE 'quickstart%'")?;
    assert_eq!(name.len(), 1);
    assert!(
        name.scalar()
            .is_some_and(|name| name.contains(".elb.amazonaws.com")),
        "{name}"
    );

    is_empty(&mut session, "iasql_plan_apply")?;
    is_empty(&mut session, "iasql_plan_sync")?;
    assert_eq!(writes(fixture.proxy(), "plans without a change"), 0);
    is_empty(&mut session, "iasql_apply")?;
    assert_eq!(writes(fixture.proxy(), "apply without a change"), 0);

    session.query("SELECT delete_all_records()")?;
    let preview = session.query("SELECT action, table_name FROM iasql_plan_apply()")?;
    assert!(
        preview.len() >= 10
            && preview
                .lines()
                .iter()
                .all(|line| line.starts_with("delete|")),
        "{preview}"
    );
    session.query("SELECT iasql_sync()")?;
    is_empty(&mut session, "iasql_plan_apply")?;
    assert_eq!(writes(fixture.proxy(), "delete_all_records and sync"), 0);

    session.query("SELECT delete_all_records()")?;
    let done = session.query("SELECT action, table_name FROM iasql_apply()")?;
    let (mut planned, mut really) = (preview.lines(), done.lines());
    planned.sort();
    really.sort();
    assert_eq!(really, planned);
    assert!(writes(fixture.proxy(), "delete") <= 15);
    assert_eq!(left_in(&fixture.cloud())?, Vec::<String>::new());
    is_empty(&mut session, "iasql_plan_apply")?;
    is_empty(&mut session, "iasql_plan_sync")?;
    let owned = session.query(
        "SELECT (SELECT count(*) FROM vpc WHERE is_default), (SELECT count(*) FROM subnet),
                (SELECT array_agg(group_name) FROM security_group), (SELECT count(*) FROM security_group_rule)",
    )?;
    assert_eq!(owned.lines(), ["1|3|{default}|1"]);
    Ok(())
}

#[test]
fn the_tutorial_runs_unedited_by_the_stock_flyway_command_line() -> Result {
    let fixture = Fixture::new()?;
    live_through(&fixture, &story()?.run_by_flyway(fixture.database())?)
}

#[test]
fn the_tutorial_runs_by_psql_with_the_same_placeholders() -> Result {
    let fixture = Fixture::new()?;
    live_through(&fixture, &story()?.run_by_psql(fixture.database())?)
}

#[test]
fn install_is_one_read_and_create_one_more_with_at_most_15_writing_calls() -> Result {
    let fixture = Fixture::new()?;
    let scripts = story()?.scripts()?;
    let (install, rest) = (&scripts[0], &scripts[1..]);
    let installed = fixture.database().psql(install)?;
    assert!(installed.success(), "{installed}");
    let (writes, one_read) = writes_and_reads(fixture.proxy(), "install");
    assert_eq!(writes, 0);
    let created = fixture.database().psql(&rest.concat())?;
    assert!(created.success(), "{created}");
    let (writes, reads) = writes_and_reads(fixture.proxy(), "create");
    assert!(writes <= 15, "{writes}");
    // No answer but that of a list says which rules AWS has made along with the group.
    assert!(reads <= one_read + 1, "{reads}");
    Ok(())
}
