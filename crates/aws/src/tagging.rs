//! Tags that a service's own describe calls do not return, read a hundred objects a call.
//!
//! The tagging API follows the services with a delay. So where it contradicts what was last agreed on, or cannot know
//! yet what is new, the service itself is asked about that one object.

use crate::error::AwsError;
use crate::operation::Service;
use crate::paging::all_pages;
use crate::resource::Reader;
use crate::{tags, time};
use iasql_engine::kind::Type;
use iasql_engine::{Kind, Object, Value};
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// Fills the `tags` of the objects. `arn` says an object's ARN as the tagging API writes it, `ask` asks the service
/// about one object.
pub async fn fill(
    reader: &Reader,
    kind: &'static Kind,
    resource_type: &str,
    objects: &mut [Object],
    arn: impl Fn(&Object) -> Option<String>,
    ask: impl AsyncFn(&Object) -> Result<Value, AwsError>,
) -> Result<(), AwsError> {
    if objects.is_empty() {
        return Ok(());
    }
    let mut tagged = tags_by_arn(reader, resource_type).await?;
    let last = reader.agreed().await;
    for object in objects {
        let found = arn(object)
            .and_then(|arn| tagged.remove(&arn))
            .unwrap_or_else(|| tags::from_pairs([]));
        let is_late = match last.row(kind, &object.id) {
            Some(known) => known.get("tags") != &found,
            None => is_new(object),
        };
        let value = if is_late { ask(object).await? } else { found };
        object.row.set("tags", value);
    }
    Ok(())
}

/// For how long after an object was made the tagging API is not relied on.
const DELAY: Duration = Duration::from_secs(600);

/// Whether the object says that it was made a short while ago.
fn is_new(object: &Object) -> bool {
    let columns = object.kind().columns.iter();
    let mut times = columns.filter(|column| matches!(column.ty, Type::Time));
    let made = times.find_map(|column| time::read(object.row.text(column.name)?));
    made.is_some_and(|made| made + DELAY > SystemTime::now())
}

async fn tags_by_arn(
    reader: &Reader,
    resource_type: &str,
) -> Result<HashMap<String, Value>, AwsError> {
    let operation = Service::Tagging.op("GetResources");
    let resources = all_pages(operation, async |token| {
        let page = reader
            .read(operation, || {
                reader
                    .tagging()
                    .get_resources()
                    .resource_type_filters(resource_type)
                    .resources_per_page(100)
                    .set_pagination_token(token.clone())
                    .send()
            })
            .await?;
        Ok((
            page.resource_tag_mapping_list.unwrap_or_default(),
            page.pagination_token,
        ))
    })
    .await?;
    let tagged = resources.into_iter().filter_map(|resource| {
        let pairs = resource.tags.unwrap_or_default();
        let tags = tags::from_pairs(pairs.into_iter().map(|tag| (tag.key, tag.value)));
        Some((resource.resource_arn?, tags))
    });
    Ok(tagged.collect())
}
