//! `security_group_rule`: one rule of a security group, for one peer.

use super::{PAGE, filter, op};
use crate::error::AwsError;
use crate::paging::all_pages;
use crate::resource::{Changed, Reader, Resource};
use crate::tags::Retag;
use crate::writer::Writer;
use async_trait::async_trait;
use aws_sdk_ec2::types::{
    self, Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType,
    SecurityGroupRuleRequest, SecurityGroupRuleUpdate, UserIdGroupPair,
};
use iasql_engine::kind::{Errors, Kind, boolean, cidr, int, refers_to, tags, text};
use iasql_engine::{CloudId, Object, Row, Value};

/// The table.
pub static SECURITY_GROUP_RULE: Kind = Kind {
    errors: Errors {
        absent: &[
            "InvalidSecurityGroupRuleId.NotFound",
            "InvalidPermission.NotFound",
            "InvalidGroup.NotFound",
        ],
        in_use: &[],
        propagation: &["InvalidGroup.NotFound"],
    },
    align: Some(align),
    ..Kind::regional(
        "security_group_rule",
        &[
            text("security_group_rule_id").cloud_filled().cloud_id(),
            boolean("is_egress").key().create_only(),
            text("ip_protocol").key(),
            int("from_port").key(),
            int("to_port").key(),
            cidr("cidr_ipv4").key().presence_fixed(),
            cidr("cidr_ipv6").key().presence_fixed(),
            text("prefix_list_id").key().presence_fixed(),
            text("description"),
            refers_to("security_group_id", "security_group")
                .belongs()
                .key()
                .create_only(),
            refers_to("source_security_group_id", "security_group")
                .key()
                .presence_fixed(),
            tags(),
        ],
    )
};

/// What one call changes, all of it at once.
const MODIFIED: &[&str] = &[
    "ip_protocol",
    "from_port",
    "to_port",
    "cidr_ipv4",
    "cidr_ipv6",
    "prefix_list_id",
    "description",
    "source_security_group_id",
];

/// The calls.
pub struct SecurityGroupRule;

#[async_trait(?Send)]
impl Resource for SecurityGroupRule {
    fn kind(&self) -> &'static Kind {
        &SECURITY_GROUP_RULE
    }

    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError> {
        read(reader, None).await
    }

    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError> {
        let rules = read(reader, Some(filter("security-group-rule-id", id))).await?;
        Ok(rules.into_iter().next())
    }

    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError> {
        let group = group(row);
        let permission = permission(row);
        let tags = super::tag_specifications(writer, ResourceType::SecurityGroupRule, row);
        let made = |rules: &[types::SecurityGroupRule]| {
            rules.first()?.security_group_rule_id().map(CloudId::from)
        };
        let (operation, rules) = if is_egress(row) {
            let operation = op("AuthorizeSecurityGroupEgress");
            let answer = writer
                .create(
                    operation,
                    || {
                        writer
                            .ec2()
                            .authorize_security_group_egress()
                            .group_id(&group)
                            .ip_permissions(permission.clone())
                            .set_tag_specifications(tags.clone())
                            .send()
                    },
                    |answer| made(answer.security_group_rules()),
                )
                .await?;
            (operation, answer.security_group_rules)
        } else {
            let operation = op("AuthorizeSecurityGroupIngress");
            let answer = writer
                .create(
                    operation,
                    || {
                        writer
                            .ec2()
                            .authorize_security_group_ingress()
                            .group_id(&group)
                            .ip_permissions(permission.clone())
                            .set_tag_specifications(tags.clone())
                            .send()
                    },
                    |answer| made(answer.security_group_rules()),
                )
                .await?;
            (operation, answer.security_group_rules)
        };
        let rule = rules.unwrap_or_default().into_iter().next();
        rule.and_then(|rule| object(writer.reader(), &rule))
            .ok_or_else(|| AwsError::malformed(operation, "the answer has no rule"))
    }

    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError> {
        if changed.any(MODIFIED) {
            let update = SecurityGroupRuleUpdate::builder()
                .security_group_rule_id(object.id.as_str())
                .security_group_rule(request(row))
                .build();
            writer
                .write(op("ModifySecurityGroupRules"), || {
                    writer
                        .ec2()
                        .modify_security_group_rules()
                        .group_id(group(&object.row))
                        .security_group_rules(update.clone())
                        .send()
                })
                .await?;
        }
        if changed.has("tags") {
            super::retag(writer, &object.id, &Retag::between(&object.row, row)).await?;
        }
        Ok(())
    }

    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError> {
        let group = group(&object.row);
        if is_egress(&object.row) {
            writer
                .delete(op("RevokeSecurityGroupEgress"), || {
                    writer
                        .ec2()
                        .revoke_security_group_egress()
                        .group_id(&group)
                        .security_group_rule_ids(object.id.as_str())
                        .send()
                })
                .await?;
        } else {
            writer
                .delete(op("RevokeSecurityGroupIngress"), || {
                    writer
                        .ec2()
                        .revoke_security_group_ingress()
                        .group_id(&group)
                        .security_group_rule_ids(object.id.as_str())
                        .send()
                })
                .await?;
        }
        Ok(())
    }
}

/// The rules that AWS made along with a new group. There is at least one: everything may leave.
pub(super) async fn made_with(writer: &Writer, group: &CloudId) -> Result<Vec<Object>, AwsError> {
    let what = format!("the rules made along with {group}");
    let rules = writer
        .until(op("DescribeSecurityGroupRules"), &what, async || {
            let rules = read(writer.reader(), Some(filter("group-id", group))).await?;
            Ok((!rules.is_empty()).then_some(rules))
        })
        .await?;
    Ok(rules.unwrap_or_default())
}

/// Those of a group's rules that AWS makes along with a group: everything may leave.
pub(super) async fn automatic(reader: &Reader, group: &CloudId) -> Result<Vec<Object>, AwsError> {
    let mut rules = read(reader, Some(filter("group-id", group))).await?;
    rules.retain(|rule| {
        let row = &rule.row;
        let peers = [row.text("cidr_ipv4"), row.text("cidr_ipv6")];
        is_egress(row)
            && row.text("ip_protocol") == Some("-1")
            && row.get("description").is_null()
            && (peers[0] == Some("0.0.0.0/0") || peers[1] == Some("::/0"))
    });
    Ok(rules)
}

async fn read(reader: &Reader, filter: Option<Filter>) -> Result<Vec<Object>, AwsError> {
    all_pages(op("DescribeSecurityGroupRules"), async |token| {
        let page = reader
            .read(op("DescribeSecurityGroupRules"), || {
                reader
                    .ec2()
                    .describe_security_group_rules()
                    .set_filters(filter.clone().map(|filter| vec![filter]))
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        let rules = page.security_group_rules().iter();
        let objects = rules.filter_map(|rule| object(reader, rule)).collect();
        let objects = match &filter {
            Some(_) => objects,
            None => reader.hand_over(objects),
        };
        Ok((objects, page.next_token))
    })
    .await
}

fn object(reader: &Reader, rule: &types::SecurityGroupRule) -> Option<Object> {
    let id = rule.security_group_rule_id()?;
    if let Some(why) = unsayable(rule) {
        reader.cannot_say(&SECURITY_GROUP_RULE, &id.into(), why);
        return None;
    }
    let protocol = rule.ip_protocol().unwrap_or_default();
    // AWS opens all ports of any other protocol, whichever it names.
    let has_ports = ["tcp", "udp", "icmp", "icmpv6"].contains(&protocol);
    let port = |port: Option<i32>| port.filter(|_| has_ports).unwrap_or(-1);
    let peer = rule.referenced_group_info();
    let description = rule.description().filter(|text| !text.is_empty());
    let row = Row::new(&SECURITY_GROUP_RULE)
        .with("security_group_rule_id", id)
        .with("is_egress", rule.is_egress().unwrap_or_default())
        .with("ip_protocol", protocol)
        .with("from_port", port(rule.from_port()))
        .with("to_port", port(rule.to_port()))
        .with("cidr_ipv4", rule.cidr_ipv4())
        .with("cidr_ipv6", rule.cidr_ipv6())
        .with("prefix_list_id", rule.prefix_list_id())
        .with("description", description)
        .with("security_group_id", rule.group_id().map(Value::object))
        .with(
            "source_security_group_id",
            peer.and_then(|peer| peer.group_id()).map(Value::object),
        );
    Some(super::tagged(reader, id, row, rule.tags()))
}

/// What the rule has that no column says.
fn unsayable(rule: &types::SecurityGroupRule) -> Option<String> {
    let Some(peer) = rule.referenced_group_info() else {
        let said = [rule.cidr_ipv4(), rule.cidr_ipv6(), rule.prefix_list_id()];
        let none = said.iter().all(Option::is_none);
        return none.then(|| "its peer is of a kind that has no column".to_owned());
    };
    let group = peer.group_id().unwrap_or_default();
    match (peer.user_id(), peer.peering_status()) {
        (Some(account), _) if rule.group_owner_id().is_some_and(|own| own != account) => {
            Some(format!("its peer is group {group} of account {account}"))
        }
        // Such a rule outlives the group that it names.
        (_, Some(status)) if status != "active" => Some(format!(
            "its peer is group {group} behind a peering connection that is {status}"
        )),
        _ => None,
    }
}

/// AWS knows no empty description.
fn align(object: &mut Row, row: &Row) {
    if row.text("description") == Some("") && object.get("description").is_null() {
        object.set("description", "");
    }
}

fn is_egress(row: &Row) -> bool {
    row.bool("is_egress") == Some(true)
}

fn group(row: &Row) -> String {
    row.object("security_group_id")
        .map(CloudId::to_string)
        .unwrap_or_default()
}

fn description(row: &Row) -> Option<String> {
    let description = row.text("description").filter(|text| !text.is_empty());
    description.map(str::to_owned)
}

/// The rule as a create call takes it.
fn permission(row: &Row) -> IpPermission {
    let description = description(row);
    let permission = IpPermission::builder()
        .set_ip_protocol(row.text("ip_protocol").map(str::to_owned))
        .set_from_port(row.int("from_port"))
        .set_to_port(row.int("to_port"));
    let permission = if let Some(cidr) = row.text("cidr_ipv4") {
        let range = IpRange::builder().cidr_ip(cidr);
        permission.ip_ranges(range.set_description(description).build())
    } else if let Some(cidr) = row.text("cidr_ipv6") {
        let range = Ipv6Range::builder().cidr_ipv6(cidr);
        permission.ipv6_ranges(range.set_description(description).build())
    } else if let Some(list) = row.text("prefix_list_id") {
        let list = PrefixListId::builder().prefix_list_id(list);
        permission.prefix_list_ids(list.set_description(description).build())
    } else if let Some(group) = row.object("source_security_group_id") {
        let pair = UserIdGroupPair::builder().group_id(group.as_str());
        permission.user_id_group_pairs(pair.set_description(description).build())
    } else {
        permission
    };
    permission.build()
}

/// The rule as a change takes it: a description that is left out goes.
fn request(row: &Row) -> SecurityGroupRuleRequest {
    let source = row.object("source_security_group_id");
    SecurityGroupRuleRequest::builder()
        .set_ip_protocol(row.text("ip_protocol").map(str::to_owned))
        .set_from_port(row.int("from_port"))
        .set_to_port(row.int("to_port"))
        .set_cidr_ipv4(row.text("cidr_ipv4").map(str::to_owned))
        .set_cidr_ipv6(row.text("cidr_ipv6").map(str::to_owned))
        .set_prefix_list_id(row.text("prefix_list_id").map(str::to_owned))
        .set_referenced_group_id(source.map(CloudId::to_string))
        .set_description(description(row))
        .build()
}
