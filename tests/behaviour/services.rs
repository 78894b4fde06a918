//! ECS services.

use iasql_tests::{Result, Service};
use serde_json::json;

use crate::web::{self, service, value};
use crate::{apply, assert_in_order, assert_settled, writing_calls};

#[test]
fn force_new_deployment_is_a_button_that_apply_releases() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE service SET force_new_deployment = true")?;
    assert_eq!(apply(&mut session)?, ["update service"]);
    let calls = fixture.proxy().calls();
    let update = calls.iter().find(|call| call.name == "ecs:UpdateService");
    assert_eq!(
        update
            .and_then(|call| call.parameter("forceNewDeployment"))
            .as_deref(),
        Some("true")
    );
    assert_eq!(
        value(&mut session, "SELECT force_new_deployment FROM service")?,
        "f"
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn count_network_and_groups_of_a_service_change_in_place() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query(
        "UPDATE service SET desired_count = 3, assign_public_ip = 'ENABLED', subnets = subnets[1:2];
         INSERT INTO security_group (group_name, description) VALUES ('more', 'more');
         INSERT INTO service_security_groups (service_name, security_group_id)
             SELECT 'web', id FROM security_group WHERE group_name = 'more'",
    )?;
    assert_eq!(
        apply(&mut session)?,
        ["create security_group", "update service"]
    );
    let found = service(&fixture, "web", "web")?;
    assert_eq!(found["desiredCount"], json!(3));
    let network = &found["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["assignPublicIp"], json!("ENABLED"));
    assert_eq!(network["subnets"].as_array().map(Vec::len), Some(2));
    assert_eq!(network["securityGroups"].as_array().map(Vec::len), Some(2));
    assert_settled(&fixture, &mut session)?;

    session.query("DELETE FROM service_security_groups")?;
    assert_eq!(apply(&mut session)?, ["update service"]);
    let network = &service(&fixture, "web", "web")?["networkConfiguration"]["awsvpcConfiguration"];
    assert!(
        network["securityGroups"]
            .as_array()
            .is_none_or(Vec::is_empty),
        "{network}"
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn the_order_of_subnets_is_no_change() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("UPDATE service SET subnets = array(SELECT unnest(subnets) ORDER BY 1 DESC)")?;
    session.query("UPDATE service SET subnets = array(SELECT unnest(subnets) ORDER BY 1)")?;
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_service_waits_for_the_listener_of_its_target_group_and_goes_before_it() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query("SELECT delete_all_records()")?;
    apply(&mut session)?;
    let calls = writing_calls(&fixture);
    assert_in_order(
        &calls,
        &[
            "UpdateService",
            "DeleteService",
            "DeleteListener",
            "DeleteTargetGroup",
        ],
    );
    assert_in_order(
        &calls,
        &["DeleteService", "DeregisterTaskDefinition", "DeleteRole"],
    );
    assert_in_order(&calls, &["DeleteService", "DeleteCluster"]);
    Ok(())
}

#[test]
fn two_clusters_may_each_have_a_service_of_the_same_name() -> Result {
    let (fixture, mut session) = web::running()?;
    session.query(
        "INSERT INTO cluster (cluster_name) VALUES ('other');
         INSERT INTO service (name, desired_count, subnets, cluster_name, task_definition_id)
             SELECT 'web', 2, subnets, 'other', task_definition_id FROM service",
    )?;
    assert_eq!(apply(&mut session)?, ["create cluster", "create service"]);
    assert_eq!(service(&fixture, "other", "web")?["desiredCount"], json!(2));
    assert_eq!(service(&fixture, "web", "web")?["desiredCount"], json!(1));
    assert_settled(&fixture, &mut session)?;
    let refusal = session.refusal(
        "INSERT INTO service_security_groups (service_name, security_group_id)
         SELECT 'web', id FROM security_group WHERE group_name = 'default'",
    )?;
    assert!(
        refusal.message.contains("other") && refusal.message.contains("web"),
        "{refusal}"
    );
    Ok(())
}

#[test]
fn a_repository_with_images_is_not_deleted_and_the_hint_says_what_to_do() -> Result {
    let (fixture, mut session) = web::running()?;
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"});
    let input = json!({"repositoryName": "web", "imageTag": "latest", "imageManifest": manifest.to_string()});
    fixture.cloud().json(Service::Ecr, "PutImage", &input)?;
    session.query("SELECT delete_all_records()")?;
    let refusal = session.refusal("SELECT iasql_apply()")?;
    assert!(refusal.message.contains("repository"), "{refusal}");
    assert!(
        refusal.detail.contains("RepositoryNotEmptyException"),
        "{refusal}"
    );
    assert!(refusal.detail.contains("delete service web"), "{refusal}");
    assert!(refusal.hint.contains("images"), "{refusal}");
    let input = json!({"repositoryName": "web", "imageIds": [{"imageTag": "latest"}]});
    fixture
        .cloud()
        .json(Service::Ecr, "BatchDeleteImage", &input)?;
    // What was done is not done twice: only the repository and what waited for it are left.
    session.query("SELECT delete_all_records()")?;
    assert!(apply(&mut session)?.contains(&"delete repository".to_owned()));
    assert_settled(&fixture, &mut session)
}
