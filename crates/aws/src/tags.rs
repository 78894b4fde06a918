//! Tags, in the shapes of the services.

use crate::error::AwsError;
use crate::operation::Operation;
use crate::writer::Writer;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use iasql_engine::{Object, Row, Value};
use serde_json::{Map, Value as Json};

/// The key of the owner tag: database and intent of what neither name nor attributes identify.
pub const OWNER_TAG: &str = "iasql:owner";

/// Tags as a row's value. Left out: AWS's own (`aws:`) and our owner tag.
pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Value {
    let tags: Map<String, Json> = pairs
        .into_iter()
        .filter(|(key, _)| !key.starts_with("aws:") && key != OWNER_TAG)
        .map(|(key, value)| (key, Json::String(value)))
        .collect();
    Value::from(Json::Object(tags))
}

/// An object just made, with the tags that its create carried: the answer does not repeat them.
pub fn with_tags_of(row: &Row, mut object: Object) -> Object {
    object.row.set("tags", from_pairs(row.tags()));
    object
}

/// What turns an object's tags into a row's: the tags to set and the keys to take away.
pub struct Retag {
    /// New and changed tags.
    pub set: Vec<(String, String)>,
    /// Keys that go.
    pub remove: Vec<String>,
}

impl Retag {
    /// Compares the tags of an object with those of a row.
    pub fn between(object: &Row, row: &Row) -> Retag {
        let (before, after) = (object.tags(), row.tags());
        Retag {
            set: after
                .iter()
                .filter(|tag| !before.contains(tag))
                .cloned()
                .collect(),
            remove: before
                .into_iter()
                .map(|(key, _)| key)
                .filter(|key| !after.iter().any(|(kept, _)| kept == key))
                .collect(),
        }
    }

    /// Makes the two calls of a service, each where there is something to do: one that sets tags, and one that takes
    /// keys away.
    pub async fn send<O, E, F, P, D, G>(
        &self,
        writer: &Writer,
        set: (Operation, impl Fn(Vec<(String, String)>) -> F),
        remove: (Operation, impl Fn(Vec<String>) -> G),
    ) -> Result<(), AwsError>
    where
        O: RequestId,
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        P: RequestId,
        D: ProvideErrorMetadata + std::error::Error + 'static,
        G: Future<Output = Result<P, SdkError<D, HttpResponse>>>,
    {
        if !self.set.is_empty() {
            writer.write(set.0, || set.1(self.set.clone())).await?;
        }
        if !self.remove.is_empty() {
            writer
                .write(remove.0, || remove.1(self.remove.clone()))
                .await?;
        }
        Ok(())
    }
}
