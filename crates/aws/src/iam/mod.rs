//! Identity and Access Management.

pub(crate) mod calls;
pub mod role;

use crate::operation::{Operation, Service};
use crate::resource::Resource;
use crate::tags::from_pairs;
use aws_sdk_iam::types::Tag;
use iasql_engine::Value;
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[&role::Role];

const fn op(name: &'static str) -> Operation {
    Service::Iam.op(name)
}

/// IAM answers with policies as URL-encoded text.
fn document(encoded: &str) -> Option<Value> {
    let text = percent_decode_str(encoded).decode_utf8().ok()?;
    let document: Json = serde_json::from_str(&text).ok()?;
    Some(document.into())
}

fn tags(tags: &[Tag]) -> Value {
    from_pairs(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())))
}

/// Tags as the calls take them. Each has the key and the value that the builder asks for.
fn sdk_tags(pairs: &[(String, String)]) -> Vec<Tag> {
    let tags = pairs
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.flatten().collect()
}
