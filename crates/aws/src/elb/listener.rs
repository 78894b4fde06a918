//! `listener`: a port of a load balancer, and the target group that it forwards to.

use super::load_balancer::{LOAD_BALANCER, LoadBalancer};
use super::{PAGE, PROTOCOLS, op};
use crate::error::AwsError;
use crate::paging::{all_pages, side_by_side};
use crate::resource::{Changed, Reader, Resource};
use crate::tags::{Retag, with_tags_of};
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::{self, Action, ActionTypeEnum, Certificate};
use iasql_engine::kind::{Errors, Kind, Replace, int, refers_by_name, tags, text};
use iasql_engine::{CloudId, Object, Row};

/// The table.
pub static LISTENER: Kind = Kind {
    // A target group serves one load balancer at a time: the listener on the old one goes first.
    replace: Replace::DeleteFirst,
    errors: Errors {
        absent: &["ListenerNotFound"],
        in_use: &["ResourceInUse"],
        // Both exist, for the row refers to them.
        propagation: &["LoadBalancerNotFound", "TargetGroupNotFound"],
    },
    align: Some(align),
    ..Kind::regional(
        "listener",
        &[
            text("listener_arn").cloud_filled().cloud_id(),
            int("port").key(),
            text("protocol").one_of(PROTOCOLS),
            text("action_type").one_of(&["forward"]),
            refers_by_name("load_balancer_name", "load_balancer", "load_balancer_name")
                .belongs()
                .key()
                .create_only(),
            refers_by_name("target_group_name", "target_group", "target_group_name"),
            text("certificate_arn"),
            text("ssl_policy").chosen_when_null(),
            tags(),
        ],
    )
};

/// The listener of a gateway load balancer has neither port nor protocol in AWS; it takes GENEVE, whose port this is.
const GENEVE: (&str, i32) = ("GENEVE", 6081);

/// Without TLS there is no security policy: what the row says of one then means nothing.
fn align(object: &mut Row, row: &Row) {
    if !speaks_tls(row) {
        object.set("ssl_policy", row.get("ssl_policy").clone());
    }
}

fn speaks_tls(row: &Row) -> bool {
    matches!(row.text("protocol"), Some("HTTPS" | "TLS"))
}

/// The calls.
pub struct Listener;

#[async_trait(?Send)]
impl Resource for Listener {
    fn kind(&self) -> &'static Kind {
        &LISTENER
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        let balancers = reader.objects(&LoadBalancer).await?;
        let listeners = side_by_side(balancers.iter(), |it| listeners_of(reader, &it.id));
        let listeners = listeners.await?.concat();
        let objects = listeners.iter().filter_map(|it| object(reader, it));
        super::with_tags(reader, objects.collect()).await
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let answer = read(reader, id.as_str()).await;
        let listener = super::found(&LISTENER, answer)?;
        let object = listener.and_then(|listener| object(reader, &listener));
        let objects = object.into_iter().collect();
        Ok(super::with_tags(reader, objects).await?.pop())
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let operation = op("CreateListener");
        let (protocol, port) = protocol_and_port(row)?;
        let tags = super::sdk_tags(&row.tags());
        let action = Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .set_target_group_arn(row.object("target_group_name").map(CloudId::to_string))
            .build();
        let answer = writer
            .create(
                operation,
                || {
                    writer
                        .elb()
                        .create_listener()
                        .set_load_balancer_arn(
                            row.object("load_balancer_name").map(CloudId::to_string),
                        )
                        .set_protocol(protocol.map(Into::into))
                        .set_port(port)
                        .set_certificates(certificates(row))
                        .set_ssl_policy(ssl_policy(row))
                        .default_actions(action.clone())
                        .set_tags(tags.clone())
                        .send()
                },
                |answer| Some(answer.listeners().first()?.listener_arn()?.into()),
            )
            .await?;
        let listener = answer.listeners().first();
        let object = listener.and_then(|listener| object(writer.reader(), listener));
        Ok(with_tags_of(row, writer.made(object, operation)?))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        let arn = object.id.as_str();
        if changed.any(&[
            "port",
            "protocol",
            "target_group_name",
            "certificate_arn",
            "ssl_policy",
        ]) {
            modify(writer, arn, row, changed).await?;
        }
        if changed.has("tags") {
            super::retag(writer, arn, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        writer
            .write(op("DeleteListener"), || {
                writer
                    .elb()
                    .delete_listener()
                    .listener_arn(object.id.as_str())
                    .send()
            })
            .await?;
        Ok(())
    }
}

async fn listeners_of(
    reader: &Reader,
    balancer: &CloudId,
) -> Result<Vec<types::Listener>, AwsError> {
    let listeners = all_pages(op("DescribeListeners"), async |marker| {
        let page = reader
            .read(op("DescribeListeners"), || {
                reader
                    .elb()
                    .describe_listeners()
                    .load_balancer_arn(balancer.as_str())
                    .page_size(PAGE)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        Ok((page.listeners.unwrap_or_default(), page.next_marker))
    })
    .await;
    // A load balancer that has gone since it was listed has none.
    Ok(super::found(&LOAD_BALANCER, listeners)?.unwrap_or_default())
}

async fn read(reader: &Reader, arn: &str) -> Result<types::Listener, AwsError> {
    let operation = op("DescribeListeners");
    let answer = reader
        .read(operation, || {
            reader.elb().describe_listeners().listener_arns(arn).send()
        })
        .await?;
    let mut listeners = answer.listeners.unwrap_or_default();
    listeners
        .pop()
        .ok_or_else(|| AwsError::malformed(operation, "neither a listener nor an error"))
}

async fn modify(writer: &Writer, arn: &str, row: &Row, changed: &Changed) -> Result<(), AwsError> {
    let (protocol, port) = protocol_and_port(row)?;
    let protocol = protocol.filter(|_| changed.has("protocol"));
    let port = port.filter(|_| changed.has("port"));
    let certificates = certificates(row).filter(|_| changed.has("certificate_arn"));
    let ssl_policy = ssl_policy(row).filter(|_| changed.has("ssl_policy"));
    let actions = match row.object("target_group_name") {
        Some(group) if changed.has("target_group_name") => {
            let now = read(writer.reader(), arn).await?;
            let actions = now.default_actions.unwrap_or_default();
            Some(forward_to(actions, group.as_str()))
        }
        _ => None,
    };
    writer
        .write(op("ModifyListener"), || {
            writer
                .elb()
                .modify_listener()
                .listener_arn(arn)
                .set_protocol(protocol.map(Into::into))
                .set_port(port)
                .set_certificates(certificates.clone())
                .set_ssl_policy(ssl_policy.clone())
                .set_default_actions(actions.clone())
                .send()
        })
        .await?;
    Ok(())
}

/// The same actions with another target group. What has no column, such as stickiness, stays.
fn forward_to(mut actions: Vec<Action>, group: &str) -> Vec<Action> {
    for action in &mut actions {
        action.target_group_arn = Some(group.to_owned());
        let config = action.forward_config.as_mut();
        for target in config
            .and_then(|it| it.target_groups.as_mut())
            .into_iter()
            .flatten()
        {
            target.target_group_arn = Some(group.to_owned());
        }
    }
    actions
}

fn protocol_and_port(row: &Row) -> Result<(Option<&str>, Option<i32>), AwsError> {
    let (protocol, port) = (row.text("protocol"), row.int("port"));
    if protocol != Some(GENEVE.0) {
        Ok((protocol, port))
    } else if port == Some(GENEVE.1) {
        Ok((None, None))
    } else {
        Err(AwsError::unsupported(
            op("CreateListener"),
            format!("the port of {} is {}", GENEVE.0, GENEVE.1),
        ))
    }
}

fn ssl_policy(row: &Row) -> Option<String> {
    let policy = row.text("ssl_policy").filter(|_| speaks_tls(row))?;
    Some(policy.to_owned())
}

fn certificates(row: &Row) -> Option<Vec<Certificate>> {
    let arn = row.text("certificate_arn")?;
    Some(vec![Certificate::builder().certificate_arn(arn).build()])
}

fn object(reader: &Reader, listener: &types::Listener) -> Option<Object> {
    let arn = listener.listener_arn()?;
    let Some(group) = target_group(listener.default_actions()) else {
        let why = "its default action is not to forward to one target group";
        reader.cannot_say(&LISTENER, &arn.into(), why);
        return None;
    };
    let certificate = listener.certificates().first();
    let protocol = listener.protocol().map_or(GENEVE.0, |it| it.as_str());
    let row = Row::new(&LISTENER)
        .with("listener_arn", arn)
        .with("port", listener.port().unwrap_or(GENEVE.1))
        .with("protocol", protocol)
        .with("action_type", ActionTypeEnum::Forward.as_str())
        .with(
            "load_balancer_name",
            listener.load_balancer_arn().map(CloudId::from),
        )
        .with("target_group_name", CloudId::from(group))
        .with(
            "certificate_arn",
            certificate.and_then(|it| it.certificate_arn()),
        )
        .with("ssl_policy", listener.ssl_policy());
    reader.sayable(Object::new(reader.region(), arn, row))
}

/// The target group, if that is all that the actions name.
fn target_group(actions: &[Action]) -> Option<&str> {
    let [action] = actions else { return None };
    if action.r#type() != Some(&ActionTypeEnum::Forward) {
        return None;
    }
    let targets = action.forward_config().map(|it| it.target_groups());
    match targets.unwrap_or_default() {
        [] => action.target_group_arn(),
        [target] => target.target_group_arn(),
        _ => None,
    }
}
