//! Points in time, as the text that Postgres reads.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use std::time::SystemTime;

/// RFC 3339 text of the SDK's time.
pub fn text(time: &DateTime) -> Option<String> {
    time.fmt(Format::DateTime).ok()
}

/// RFC 3339 text of milliseconds since 1970.
pub fn from_millis(millis: i64) -> Option<String> {
    text(&DateTime::from_millis(millis))
}

/// The point in time that a text from here names.
pub fn read(text: &str) -> Option<SystemTime> {
    let time = DateTime::from_str(text, Format::DateTime).ok()?;
    SystemTime::try_from(time).ok()
}
