//! Reading lists that come in pages or one by one.

use crate::error::AwsError;
use crate::operation::Operation;
use futures::stream::{self, StreamExt, TryStreamExt};

/// A page: its items and the token of the next one.
pub type Page<T> = (Vec<T>, Option<String>);

/// Reads all pages. A page that fails fails the whole list: nothing is concluded from a part. An empty page with a
/// token is no end; a token that comes twice in a row would never end and is refused.
pub async fn all_pages<T>(
    operation: Operation,
    mut page: impl AsyncFnMut(Option<String>) -> Result<Page<T>, AwsError>,
) -> Result<Vec<T>, AwsError> {
    let mut items = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let (more, next) = page(token.clone()).await?;
        items.extend(more);
        match next.filter(|next| !next.is_empty()) {
            None => return Ok(items),
            Some(next) if token.as_ref() == Some(&next) => {
                return Err(AwsError::malformed(
                    operation,
                    "the same page token came twice",
                ));
            }
            Some(next) => token = Some(next),
        }
    }
}

/// Reads something of each item, side by side. The limits set the pace; the bound only keeps few calls waiting for
/// them. The first failure fails the whole.
pub async fn side_by_side<T, R, F>(
    items: impl IntoIterator<Item = T>,
    read: impl FnMut(T) -> F,
) -> Result<Vec<R>, AwsError>
where
    F: Future<Output = Result<R, AwsError>>,
{
    stream::iter(items)
        .map(read)
        .buffered(50)
        .try_collect()
        .await
}
