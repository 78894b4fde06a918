//! CloudWatch Logs: log groups.

use iasql_tests::Protocol;
use serde_json::{Value as Json, json};

use super::account::{ACCOUNT, Account, HOME, Kind, TAG};
use super::collection::Shape;
use super::document::Document;
use super::request::Request;
use super::{Answer, Refusal};

/// The largest page.
const PAGE: usize = 50;

/// The log group of a number.
pub fn group(number: usize) -> Shape {
    named(&format!("/bench/group-{number}"))
}

fn named(name: &str) -> Shape {
    let arn = format!("arn:aws:logs:{HOME}:{ACCOUNT}:log-group:{name}");
    Shape {
        id: name.to_owned(),
        parent: String::new(),
        fields: json!({
            "logGroupName": name, "arn": format!("{arn}:*"), "logGroupArn": arn, "creationTime": 1_704_067_200_000_u64,
            "metricFilterCount": 0, "storedBytes": 0, "logGroupClass": "STANDARD",
        }),
    }
}

/// The ARN of the log group of this name, as the tagging API writes it.
pub fn arn(name: &str) -> String {
    format!("arn:aws:logs:{HOME}:{ACCOUNT}:log-group:{name}")
}

/// Answers a call.
pub fn answer(account: &mut Account, request: &Request) -> Answer {
    let groups = account.of(&request.region, Kind::LogGroup);
    let name = request.text("logGroupName");
    let document = Document::new(Protocol::Json);
    Ok(match request.operation.as_str() {
        "DescribeLogGroups" => match request.get("logGroupNamePrefix") {
            // Names are looked for as a whole: no other begins with one that is asked for.
            Json::String(name) => document.list("logGroups", groups.get(name).into_iter()),
            _ => {
                let size = request.page_size("limit", PAGE, PAGE)?;
                let (members, next) = groups.page(request.page_start("nextToken"), size);
                let document = document.list("logGroups", members.into_iter());
                document.optional("nextToken", next.map(|next| next.to_string()))
            }
        },
        // The older call, which takes the name.
        "ListTagsLogGroup" => document.field("tags", &json!({})),
        "ListTagsForResource" => {
            let arn = request.text("resourceArn");
            let name = arn.split(":log-group:").nth(1).unwrap_or_default();
            let tags = if groups.is_made(name) {
                json!({})
            } else {
                json!({TAG.0: TAG.1})
            };
            document.field("tags", &tags)
        }
        "CreateLogGroup" => {
            groups.insert(named(name));
            document
        }
        "PutRetentionPolicy" => {
            groups.change(name, |group| {
                group["retentionInDays"] = request.get("retentionInDays").clone();
            });
            document
        }
        "DeleteLogGroup" => {
            groups.remove(name);
            document
        }
        _ => return Err(Refusal::unknown(request)),
    })
}
