//! The tagging API: the tags of many services in one list.

use iasql_tests::Protocol;
use serde_json::json;

use super::account::{Account, Kind, TAG};
use super::document::Document;
use super::request::Request;
use super::{Answer, Refusal, ecr, logs};

/// The largest page.
const PAGE: usize = 100;

/// Answers a call.
pub fn answer(account: &mut Account, request: &Request) -> Answer {
    if request.operation != "GetResources" {
        return Err(Refusal::unknown(request));
    }
    let resource_type = request
        .texts("ResourceTypeFilters")
        .next()
        .unwrap_or_default();
    let (kind, arn): (Kind, fn(&str) -> String) = match resource_type {
        "logs:log-group" => (Kind::LogGroup, logs::arn),
        "ecr:repository" => (Kind::Repository, ecr::arn),
        "ecs:task-definition" => (Kind::TaskDefinition, str::to_owned),
        _ => return Err(Refusal::unknown(request)),
    };
    let size = request.page_size("ResourcesPerPage", PAGE, PAGE)?;
    let collection = account.of(&request.region, kind);
    let (ids, next) = collection.ids(request.page_start("PaginationToken"), size);
    let resources: Vec<_> = ids
        .into_iter()
        // Only what has tags is listed.
        .filter(|id| !collection.is_made(id))
        .map(|id| json!({"ResourceARN": arn(id), "Tags": [{"Key": TAG.0, "Value": TAG.1}]}))
        .collect();
    let token = next.map_or_else(String::new, |next| next.to_string());
    Ok(Document::new(Protocol::Json)
        .field("ResourceTagMappingList", &json!(resources))
        .field("PaginationToken", &json!(token)))
}
