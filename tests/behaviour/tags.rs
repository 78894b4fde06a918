//! Tags, in every table that has them.

use std::collections::BTreeMap;

use iasql_tests::{Fixture, Result, Service, Session, elements};
use serde_json::{Value, json};

use crate::{apply, assert_settled, web};

/// Tags by their names, as AWS has them. The owner tag is the extension's own affair.
type Tags = BTreeMap<String, String>;

/// The tags of the only object of each table that the web service has.
fn in_cloud(fixture: &Fixture, session: &mut Session, table: &str) -> Result<Tags> {
    let cloud = fixture.cloud();
    let mut id = |column: &str| -> Result<String> {
        web::value(
            session,
            &format!("SELECT {column} FROM {table}{}", named_web(table)),
        )
    };
    let list = |answer: &Value, list: &str, key: &str, value: &str| -> Tags {
        let entry = |tag: &Value| {
            let text = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
            (text(key), text(value))
        };
        answer[list]
            .as_array()
            .into_iter()
            .flatten()
            .map(entry)
            .collect()
    };
    let ecs = |arn: String| -> Result<Tags> {
        let answer = cloud.json(
            Service::Ecs,
            "ListTagsForResource",
            &json!({"resourceArn": arn}),
        )?;
        Ok(list(&answer, "tags", "key", "value"))
    };
    let elb = |arn: String| -> Result<Tags> {
        let parameters = [("ResourceArns.member.1", arn.as_str())];
        let answer = cloud.query(Service::Elbv2, "DescribeTags", &parameters)?;
        Ok(pairs(&answer, "Key", "Value"))
    };
    let ec2 = |id: String| -> Result<Tags> {
        let parameters = [
            ("Filter.1.Name", "resource-id"),
            ("Filter.1.Value.1", id.as_str()),
        ];
        let answer = cloud.query(Service::Ec2, "DescribeTags", &parameters)?;
        Ok(pairs(&answer, "key", "value"))
    };
    let mut tags = match table {
        "log_group" => {
            let arn = id("log_group_arn")?;
            let input = json!({"resourceArn": arn.trim_end_matches(":*")});
            let answer = cloud.json(Service::Logs, "ListTagsForResource", &input)?;
            let tags = answer["tags"].as_object().cloned().unwrap_or_default();
            tags.into_iter()
                .map(|(key, value)| (key, value.as_str().unwrap_or_default().to_owned()))
                .collect()
        }
        "role" => {
            let parameters = [("RoleName", "web")];
            let answer = cloud.query(Service::Iam, "ListRoleTags", &parameters)?;
            pairs(&answer, "Key", "Value")
        }
        "repository" => {
            let input = json!({"resourceArn": id("repository_arn")?});
            let answer = cloud.json(Service::Ecr, "ListTagsForResource", &input)?;
            list(&answer, "tags", "Key", "Value")
        }
        "security_group" => ec2(id("group_id")?)?,
        "security_group_rule" => ec2(id("security_group_rule_id")?)?,
        "target_group" => elb(id("target_group_arn")?)?,
        "load_balancer" => elb(id("load_balancer_arn")?)?,
        "listener" => elb(id("listener_arn")?)?,
        "cluster" => ecs(id("cluster_arn")?)?,
        "task_definition" => ecs(id("task_definition_arn")?)?,
        _ => ecs(id("arn")?)?,
    };
    tags.remove("iasql:owner");
    Ok(tags)
}

fn pairs(xml: &str, key: &str, value: &str) -> Tags {
    let own = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
    own(elements(xml, key))
        .into_iter()
        .zip(own(elements(xml, value)))
        .collect()
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

/// Which of the rows is meant: there is one in every table but this.
fn named_web(table: &str) -> &'static str {
    match table {
        "security_group" => " WHERE group_name = 'web'",
        _ => "",
    }
}

/// The tables with tags of which the web service has rows. The emulator knows no public repositories.
const TABLES: [&str; 11] = [
    "log_group",
    "role",
    "repository",
    "security_group",
    "security_group_rule",
    "target_group",
    "load_balancer",
    "listener",
    "cluster",
    "task_definition",
    "service",
];

#[test]
fn tags_of_every_table_are_set_changed_and_removed_in_place() -> Result {
    let (fixture, mut session) = web::running()?;
    // One row a table, so that each is what it says.
    session.query(
        "DELETE FROM security_group_rule WHERE security_group_id IN
             (SELECT id FROM security_group WHERE group_name = 'default') OR is_egress",
    )?;
    apply(&mut session)?;
    let edit = |session: &mut Session, value: &str| -> Result<Vec<String>> {
        for table in TABLES {
            session.query(&format!(
                "UPDATE {table} SET tags = {value}{}",
                named_web(table)
            ))?;
        }
        let mut done = apply(session)?;
        done.sort();
        Ok(done)
    };
    let mut updates: Vec<String> = TABLES
        .iter()
        .map(|table| format!("update {table}"))
        .collect();
    updates.sort();
    for (value, expected) in [
        (
            r#"'{"team": "web", "über": "ein %\"Wert\""}'"#,
            tags(&[("team", "web"), ("über", "ein %\"Wert\"")]),
        ),
        (
            r#"'{"team": "api", "cost": "7"}'"#,
            tags(&[("team", "api"), ("cost", "7")]),
        ),
        ("NULL", tags(&[])),
    ] {
        assert_eq!(edit(&mut session, value)?, updates, "tags = {value}");
        for table in TABLES {
            assert_eq!(
                in_cloud(&fixture, &mut session, table)?,
                expected,
                "{table}, tags = {value}"
            );
        }
        assert_settled(&fixture, &mut session)?;
    }
    Ok(())
}

#[test]
fn tags_come_with_the_create_and_with_the_import() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query(
        r#"INSERT INTO vpc (cidr_block, tags) VALUES ('10.0.0.0/16', '{"a": "1"}');
           INSERT INTO subnet (availability_zone, cidr_block, vpc_id, tags)
               SELECT 'us-east-2a', '10.0.1.0/24', id, '{"a": "1"}' FROM vpc WHERE NOT is_default;
           INSERT INTO repository (repository_name, tags) VALUES ('other', '{"a": "1"}');
           INSERT INTO cluster (cluster_name, tags) VALUES ('other', '{"a": "1"}')"#,
    )?;
    fixture.proxy().forget_calls();
    apply(&mut session)?;
    let calls = crate::writing_calls(&fixture);
    for call in ["CreateTags", "TagResource", "AddTags", "TagRole"] {
        assert!(!calls.iter().any(|made| made == call), "{calls:?}");
    }
    assert_settled(&fixture, &mut session)?;

    let database = fixture.another_database()?;
    let mut other = database.connect()?;
    other.install(&["aws_ecs_fargate"])?;
    let imported = other.query(
        "SELECT (SELECT tags FROM vpc WHERE NOT is_default), (SELECT tags FROM subnet WHERE cidr_block = '10.0.1.0/24'),
                (SELECT tags FROM repository WHERE repository_name = 'other'),
                (SELECT tags FROM cluster WHERE cluster_name = 'other')",
    )?;
    assert_eq!(imported.rows[0], vec![Some(r#"{"a": "1"}"#.to_owned()); 4]);
    Ok(())
}

#[test]
fn tags_of_an_adopted_object_are_merged() -> Result {
    let (fixture, mut session) = web::running()?;
    let theirs = json!({"clusterName": "a", "tags": [
        {"key": "owner", "value": "them"}, {"key": "both", "value": "theirs"}]});
    fixture
        .cloud()
        .json(Service::Ecs, "CreateCluster", &theirs)?;
    session.query(
        r#"INSERT INTO cluster (cluster_name, tags) VALUES ('a', '{"ours": "1", "both": "ours"}');
           SET iasql.adopt = 'overwrite'"#,
    )?;
    assert_eq!(apply(&mut session)?, ["adopt cluster"]);
    let found = session.query("SELECT tags FROM cluster WHERE cluster_name = 'a'")?;
    assert_eq!(
        found.lines(),
        [r#"{"both": "ours", "ours": "1", "owner": "them"}"#]
    );
    session.query("DELETE FROM service; DELETE FROM cluster WHERE cluster_name = 'web'")?;
    apply(&mut session)?;
    let merged = tags(&[("both", "ours"), ("ours", "1"), ("owner", "them")]);
    assert_eq!(in_cloud(&fixture, &mut session, "cluster")?, merged);
    assert_settled(&fixture, &mut session)
}
