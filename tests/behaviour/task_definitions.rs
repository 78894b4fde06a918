//! Task definitions never change in AWS: a change registers the next revision.

use iasql_tests::{Fixture, Result, Service};
use serde_json::{Value, json};

use crate::web::{self, service, value};
use crate::{NOTHING, apply, assert_in_order, assert_settled, writing_calls};

fn definition(fixture: &Fixture, id: &str) -> Result<Value> {
    let input = json!({"taskDefinition": id});
    let answer = fixture
        .cloud()
        .json(Service::Ecs, "DescribeTaskDefinition", &input)?;
    Ok(answer["taskDefinition"].clone())
}

#[test]
fn a_change_of_a_container_registers_the_next_revision_for_the_same_row_and_moves_the_service()
-> Result {
    let (fixture, mut session) = web::running()?;
    let id = value(&mut session, "SELECT id FROM task_definition")?;
    session
        .query("UPDATE container_definition SET tag = 'v2', env_variables = '{\"A\": \"1\"}'")?;
    assert_eq!(
        apply(&mut session)?,
        ["replace task_definition", "update service"]
    );
    assert_in_order(
        &writing_calls(&fixture),
        &[
            "RegisterTaskDefinition",
            "UpdateService",
            "DeregisterTaskDefinition",
        ],
    );
    assert_eq!(
        session
            .query("SELECT id, revision, status FROM task_definition")?
            .lines(),
        [format!("{id}|2|ACTIVE")]
    );
    assert_eq!(definition(&fixture, "web:1")?["status"], json!("INACTIVE"));
    let next = definition(&fixture, "web:2")?;
    assert_eq!(
        service(&fixture, "web", "web")?["taskDefinition"],
        next["taskDefinitionArn"]
    );
    let container = &next["containerDefinitions"][0];
    assert!(
        container["image"]
            .as_str()
            .is_some_and(|image| image.ends_with("/web:v2")),
        "{container}"
    );
    assert_eq!(
        container["environment"],
        json!([{"name": "A", "value": "1"}])
    );
    assert_eq!(
        container["logConfiguration"],
        json!({"logDriver": "awslogs", "options": {
            "awslogs-group": "web", "awslogs-region": "us-east-2", "awslogs-stream-prefix": "awslogs-web"}})
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_new_container_and_a_removed_one_are_changes_of_the_task_definition() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query(
        "INSERT INTO container_definition (name, image, task_definition_id)
         SELECT 'side', 'docker.io/library/busybox', id FROM task_definition",
    )?;
    assert_eq!(
        apply(&mut session)?,
        ["replace task_definition", "update service"]
    );
    assert_eq!(
        definition(&fixture, "web:2")?["containerDefinitions"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    session.query("DELETE FROM container_definition WHERE name = 'side'")?;
    assert_eq!(
        apply(&mut session)?,
        ["replace task_definition", "update service"]
    );
    assert_eq!(
        definition(&fixture, "web:3")?["containerDefinitions"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn what_no_column_models_is_in_the_next_revision_too() -> Result {
    let fixture = Fixture::new()?;
    let theirs = json!({
        "family": "theirs", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "volumes": [{"name": "scratch"}],
        "containerDefinitions": [{
            "name": "app", "image": "busybox:1", "essential": true,
            "command": ["sleep", "10"], "stopTimeout": 30, "readonlyRootFilesystem": true,
            "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp"}],
            "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}]
        }]
    });
    fixture
        .cloud()
        .json(Service::Ecs, "RegisterTaskDefinition", &theirs)?;
    let mut session = fixture.session()?;
    session.install(&["aws_ecs_fargate"])?;
    assert_settled(&fixture, &mut session)?;
    session.query("UPDATE container_definition SET tag = '2'")?;
    assert_eq!(apply(&mut session)?, ["replace task_definition"]);
    let (before, after) = (
        definition(&fixture, "theirs:1")?,
        definition(&fixture, "theirs:2")?,
    );
    for part in ["runtimePlatform", "volumes", "cpu", "memory", "networkMode"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    let (before, after) = (
        &before["containerDefinitions"][0],
        &after["containerDefinitions"][0],
    );
    assert_eq!(after["image"], json!("busybox:2"));
    for part in [
        "command",
        "stopTimeout",
        "readonlyRootFilesystem",
        "mountPoints",
        "ulimits",
    ] {
        assert_ne!(before[part], Value::Null, "{part}");
        assert_eq!(after[part], before[part], "{part}");
    }
    assert_settled(&fixture, &mut session)
}

#[test]
fn revisions_that_are_known_are_not_read_again() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("SELECT iasql_plan_apply()")?;
    let calls = fixture.proxy().calls();
    assert!(
        !calls
            .iter()
            .any(|call| call.name == "ecs:DescribeTaskDefinition")
    );
    Ok(())
}

#[test]
fn a_deleted_row_deregisters_its_revision() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("DELETE FROM service; DELETE FROM task_definition")?;
    assert_eq!(
        apply(&mut session)?,
        ["delete service", "delete task_definition"]
    );
    assert_eq!(definition(&fixture, "web:1")?["status"], json!("INACTIVE"));
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_revision_that_somebody_deregistered_while_a_service_runs_it_stays_as_it_is() -> Result {
    let (fixture, mut session) = web::running()?;
    let input = json!({"taskDefinition": "web:1"});
    fixture
        .cloud()
        .json(Service::Ecs, "DeregisterTaskDefinition", &input)?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(
        value(&mut session, "SELECT status FROM task_definition")?,
        "INACTIVE"
    );
    assert_eq!(writing_calls(&fixture), NOTHING);
    assert_settled(&fixture, &mut session)
}

#[test]
fn the_tutorials_way_to_the_newest_revision_finds_the_row_that_is_not_applied_yet() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query(
        "INSERT INTO task_definition (family, cpu_memory) VALUES ('web', 'vCPU0.5-1GB');
         INSERT INTO container_definition (name, image, essential, container_port, task_definition_id)
             SELECT 'web', 'busybox', true, 80, id FROM task_definition WHERE family = 'web' AND status IS NULL;
         UPDATE service SET task_definition_id =
             (SELECT id FROM task_definition WHERE family = 'web' ORDER BY revision DESC LIMIT 1)",
    )?;
    assert_eq!(
        apply(&mut session)?,
        ["create task_definition", "update service"]
    );
    assert_eq!(
        session
            .query("SELECT revision, status FROM task_definition ORDER BY revision")?
            .lines(),
        ["1|ACTIVE", "2|ACTIVE"]
    );
    assert_eq!(
        service(&fixture, "web", "web")?["taskDefinition"],
        definition(&fixture, "web:2")?["taskDefinitionArn"]
    );
    assert_settled(&fixture, &mut session)
}
