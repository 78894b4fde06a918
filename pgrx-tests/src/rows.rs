//! The result of a query, as text.

use std::fmt;

use crate::{Error, Result};

/// The rows of a query. Every value is the text that Postgres prints for it: what a person would see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The values, row by row; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// One line a row, values parted by `|`, NULL as nothing, as `psql -At` prints them.
    pub fn lines(&self) -> Vec<String> {
        let line = |row: &Vec<Option<String>>| {
            row.iter()
                .map(|value| value.as_deref().unwrap_or_default())
                .collect::<Vec<_>>()
                .join("|")
        };
        self.rows.iter().map(line).collect()
    }

    /// The first value of the first row; NULL and no row at all are both `None`.
    pub fn scalar(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_deref()
    }

    /// The values of one column, NULL as nothing.
    pub fn column(&self, name: &str) -> Result<Vec<&str>> {
        let index = self.columns.iter().position(|column| column == name);
        let index = index.ok_or_else(|| Error::NoSuchColumn {
            name: name.to_owned(),
            columns: self.columns.clone(),
        })?;
        Ok(self
            .rows
            .iter()
            .map(|row| row[index].as_deref().unwrap_or_default())
            .collect())
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.columns.join("|"))?;
        self.lines()
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}
