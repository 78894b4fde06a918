//! Errors, warnings and notices as the server sends them.

use std::fmt;

use postgres::error::DbError;

/// An error, warning or notice of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMessage {
    /// `ERROR`, `WARNING`, `NOTICE`, …
    pub severity: String,
    /// The five characters of SQLSTATE.
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// DETAIL, or empty.
    pub detail: String,
    /// HINT, or empty.
    pub hint: String,
    /// CONTEXT, or empty.
    pub context: String,
}

impl From<&DbError> for ServerMessage {
    fn from(error: &DbError) -> Self {
        let text = |field: Option<&str>| field.unwrap_or_default().to_owned();
        Self {
            severity: error.severity().to_owned(),
            sqlstate: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: text(error.detail()),
            hint: text(error.hint()),
            context: text(error.where_()),
        }
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.severity, self.message, self.sqlstate)?;
        for (name, text) in [
            ("DETAIL", &self.detail),
            ("HINT", &self.hint),
            ("CONTEXT", &self.context),
        ] {
            if !text.is_empty() {
                write!(f, "\n{name}: {text}")?;
            }
        }
        Ok(())
    }
}
