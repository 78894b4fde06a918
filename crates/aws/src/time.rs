//! Points in time, as the text that Postgres reads.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// RFC 3339 text of the SDK's time.
pub fn text(time: &DateTime) -> Option<String> {
    time.fmt(Format::DateTime).ok()
}

/// RFC 3339 text of milliseconds since 1970.
pub fn from_millis(millis: i64) -> Option<String> {
    text(&DateTime::from_millis(millis))
}
