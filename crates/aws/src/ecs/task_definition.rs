//! `task_definition`: a revision of what a service runs. Revisions never change: each is read once ever, and a change
//! registers the next one.

use super::container_definition::{self, CONTAINER_DEFINITION};
use super::image::{self, Repositories};
use super::service::Service;
use super::{cpu_memory, op, registration};
use crate::error::{AwsError, found};
use crate::paging::{all_pages, side_by_side};
use crate::resource::{Agreed, Changed, Reader, Resource};
use crate::tagging;
use crate::tags::{OWNER_TAG, Retag, from_pairs};
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::types;
use iasql_engine::kind::{Errors, Kind, Repeat, int, parts, refers_by_name, tags, text};
use iasql_engine::{CloudId, Object, Row, Value};
use std::collections::BTreeSet;

/// The table.
pub static TASK_DEFINITION: Kind = Kind {
    repeat: Repeat::OwnerTag,
    errors: Errors {
        absent: &["ClientException:Unable to describe task definition"],
        in_use: &[],
        propagation: &["ClientException:Role is not valid"],
    },
    align: Some(align),
    ..Kind::regional(
        "task_definition",
        &[
            text("task_definition_arn").cloud_filled().cloud_id(),
            text("family").create_only(),
            int("revision").cloud_filled(),
            text("status").one_of(&[ACTIVE, INACTIVE]).cloud_filled(),
            text("cpu_memory").one_of(cpu_memory::SIZES).create_only(),
            refers_by_name("task_role_name", "role", "role_name").create_only(),
            refers_by_name("execution_role_name", "role", "role_name").create_only(),
            tags(),
            parts("container_definitions", &CONTAINER_DEFINITION).create_only(),
        ],
    )
};

/// The calls.
pub struct TaskDefinition;

#[async_trait(?Send)]
impl Resource for TaskDefinition {
    fn kind(&self) -> &'static Kind {
        &TASK_DEFINITION
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let (active, running, repositories) =
            futures::try_join!(active(reader), running(reader), Repositories::read(reader))?;
        let inactive = running.difference(&active);
        let last = reader.agreed().await;
        let (known, new): (Vec<&CloudId>, Vec<&CloudId>) = active
            .iter()
            .chain(inactive)
            .partition(|id| last.row(&TASK_DEFINITION, id).is_some());
        let mut objects: Vec<Object> = known
            .into_iter()
            .filter_map(|id| agreed(reader, &last, id, active.contains(id), &repositories))
            .collect();
        tagging::fill(
            reader,
            &TASK_DEFINITION,
            "ecs:task-definition",
            &mut objects,
            |object| Some(object.id.to_string()),
            async |object| {
                let answer = read(reader, &object.id).await?;
                let tags = answer.as_ref().map(|answer| answer.tags());
                Ok(from_pairs(super::pairs(tags.unwrap_or_default())))
            },
        )
        .await?;
        let new = new
            .into_iter()
            .filter(|id| !reader.still_cannot_say(&TASK_DEFINITION, id));
        let new = side_by_side(new, |id| read(reader, id)).await?;
        objects.extend(
            new.iter()
                .flatten()
                .filter_map(|answer| object(reader, answer, &running, &repositories)),
        );
        Ok(objects)
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let Some(answer) = read(reader, id).await? else {
            return Ok(None);
        };
        let (running, repositories) =
            futures::try_join!(running(reader), Repositories::read(reader))?;
        Ok(object(reader, &answer, &running, &repositories))
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let before = match writer.replaces() {
            Some(object) => read(writer.reader(), &object.id).await?,
            None => None,
        };
        let before = before.as_ref().and_then(|answer| answer.task_definition());
        let request = registration::wanted(writer, row, before).await?;
        let answer = writer
            .create(
                op("RegisterTaskDefinition"),
                || request.clone().send_with(writer.ecs()),
                |answer| id(answer.task_definition()?),
            )
            .await?;
        let object = answer.task_definition().and_then(|definition| {
            let id = id(definition)?;
            let row = row
                .clone()
                .with("task_definition_arn", id.as_str())
                .with("revision", definition.revision())
                .with("status", ACTIVE);
            Some(Object {
                owner_tag: writer.owner_tag().map(str::to_owned),
                ..Object::new(writer.region(), id, row)
            })
        });
        writer.made(object, op("RegisterTaskDefinition"))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.has("tags") {
            let retag = Retag::between(&object.row, row);
            super::retag(writer, object.id.as_str(), &retag).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        if object.row.text("status") == Some(INACTIVE) {
            return Ok(());
        }
        writer
            .write(op("DeregisterTaskDefinition"), || {
                writer
                    .ecs()
                    .deregister_task_definition()
                    .task_definition(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

const ACTIVE: &str = "ACTIVE";
const INACTIVE: &str = "INACTIVE";

/// The revisions that are registered.
async fn active(reader: &Reader) -> Result<BTreeSet<CloudId>, AwsError> {
    let operation = op("ListTaskDefinitions");
    let arns = all_pages(operation, async |token| {
        let page = reader
            .read(operation, || {
                reader
                    .ecs()
                    .list_task_definitions()
                    .status(types::TaskDefinitionStatus::Active)
                    .max_results(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        Ok((
            page.task_definition_arns.unwrap_or_default(),
            page.next_token,
        ))
    })
    .await?;
    Ok(arns.into_iter().map(CloudId::from).collect())
}

/// The revisions that services run, registered or not.
async fn running(reader: &Reader) -> Result<BTreeSet<CloudId>, AwsError> {
    let services = reader.objects(&Service).await?;
    let revisions = services
        .iter()
        .filter_map(|service| service.row.object("task_definition_id"));
    Ok(revisions.cloned().collect())
}

/// What AWS knows of a revision; None where it was deleted.
pub(super) async fn read(
    reader: &Reader,
    id: &CloudId,
) -> Result<Option<DescribeTaskDefinitionOutput>, AwsError> {
    let answer = reader
        .read(op("DescribeTaskDefinition"), || {
            reader
                .ecs()
                .describe_task_definition()
                .task_definition(id.as_str())
                .include(types::TaskDefinitionField::Tags)
                .send()
        })
        .await;
    found(&TASK_DEFINITION, answer)
}

/// A revision as it was last agreed on: it never changes, but for its status and for what becomes of its images'
/// repositories.
fn agreed(
    reader: &Reader,
    last: &Agreed,
    id: &CloudId,
    active: bool,
    repositories: &Repositories,
) -> Option<Object> {
    let status = if active { ACTIVE } else { INACTIVE };
    let mut row = last.row(&TASK_DEFINITION, id)?.clone();
    row.set("status", status);
    let registry = image::registry_of(id.as_str())?;
    for container in containers(&mut row) {
        repositories.restate(container, &registry);
    }
    Some(Object::new(reader.region(), id.clone(), row))
}

fn id(definition: &types::TaskDefinition) -> Option<CloudId> {
    definition.task_definition_arn().map(CloudId::from)
}

/// A revision that was deregistered is absent, unless a service runs it.
fn object(
    reader: &Reader,
    answer: &DescribeTaskDefinitionOutput,
    running: &BTreeSet<CloudId>,
    repositories: &Repositories,
) -> Option<Object> {
    let definition = answer.task_definition()?;
    let id = id(definition)?;
    match definition.status().map(|status| status.as_str()) {
        Some(ACTIVE) => {}
        Some(INACTIVE) if running.contains(&id) => {}
        _ => return None,
    }
    match said(reader, definition, repositories) {
        Ok(row) => {
            let mut pairs = super::pairs(answer.tags());
            let tags = from_pairs(super::pairs(answer.tags()));
            reader.sayable(Object {
                owner_tag: pairs.find_map(|(key, value)| (key == OWNER_TAG).then_some(value)),
                ..Object::new(reader.region(), id, row.with("tags", tags))
            })
        }
        Err(why) => {
            reader.cannot_say(&TASK_DEFINITION, &id, why);
            None
        }
    }
}

/// The revision as a row, or what it has that a row cannot say.
fn said(
    reader: &Reader,
    definition: &types::TaskDefinition,
    repositories: &Repositories,
) -> Result<Row, String> {
    let fargate = definition
        .requires_compatibilities()
        .contains(&types::Compatibility::Fargate);
    if !fargate || definition.network_mode() != Some(&types::NetworkMode::Awsvpc) {
        return Err("it is not one for Fargate".to_owned());
    }
    let containers = definition
        .container_definitions()
        .iter()
        .map(|container| container_definition::row(container, reader.region(), repositories))
        .collect::<Result<Vec<Row>, String>>()?;
    Ok(Row::new(&TASK_DEFINITION)
        .with("task_definition_arn", definition.task_definition_arn())
        .with("family", definition.family())
        .with("revision", definition.revision())
        .with("status", definition.status().map(|status| status.as_str()))
        .with(
            "cpu_memory",
            cpu_memory::name(definition.cpu(), definition.memory()),
        )
        .with("task_role_name", role_name(definition.task_role_arn()))
        .with(
            "execution_role_name",
            role_name(definition.execution_role_arn()),
        )
        .with("container_definitions", containers))
}

fn role_name(arn: Option<&str>) -> Option<CloudId> {
    arn?.rsplit('/').next().map(CloudId::from)
}

fn align(object: &mut Row, row: &Row) {
    let Some(registry) = object
        .text("task_definition_arn")
        .and_then(image::registry_of)
    else {
        return;
    };
    for container in containers(object) {
        let mut others = row.parts("container_definitions").iter();
        if let Some(other) = others.find(|other| other.get("name") == container.get("name")) {
            container_definition::align(container, other, &registry);
        }
    }
}

fn containers(row: &mut Row) -> &mut [Row] {
    let position = TASK_DEFINITION.position("container_definitions");
    match position.map(|position| row.at_mut(position)) {
        Some(Value::Parts(containers)) => containers,
        _ => &mut [],
    }
}
