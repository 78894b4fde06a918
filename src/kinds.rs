//! What the columns of the module tables mean to a plan, as rows.

use iasql_engine::kind::{Change, Null, Type};
use iasql_engine::{Column, Kind};
use pgrx::prelude::*;

/// A column, as `iasql.kinds()` shows it.
type ColumnRow = (
    String,
    String,
    &'static str,
    &'static str,
    bool,
    Option<&'static str>,
    Option<&'static str>,
    bool,
    Vec<&'static str>,
);

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn kinds() -> TableIterator<
    'static,
    (
        name!(table_name, String),
        name!(column_name, String),
        name!(change, &'static str),
        name!(when_null, &'static str),
        name!(is_key, bool),
        name!(refers_to_table, Option<&'static str>),
        name!(refers_to_column, Option<&'static str>),
        name!(belongs, bool),
        name!(allowed_values, Vec<&'static str>),
    ),
> {
    let wholes = iasql_aws::resources().map(|resource| resource.kind());
    let kinds =
        wholes.flat_map(|kind| std::iter::once(kind).chain(kind.parts().map(|(_, part)| part)));
    let rows: Vec<ColumnRow> = kinds
        .flat_map(|kind| ties(kind).chain(columns(kind)))
        .collect();
    TableIterator::new(rows)
}

/// The columns that tie a part to its whole.
fn ties(kind: &'static Kind) -> impl Iterator<Item = ColumnRow> {
    kind.part_of.iter().flat_map(move |whole| {
        whole.on.iter().map(move |(column, there)| {
            let (table, column) = (kind.table.to_owned(), (*column).to_owned());
            let target = (Some(whole.table), Some(*there));
            (
                table,
                column,
                "part",
                "absent",
                true,
                target.0,
                target.1,
                true,
                Vec::new(),
            )
        })
    })
}

fn columns(kind: &'static Kind) -> impl Iterator<Item = ColumnRow> {
    let columns = kind.columns.iter();
    columns
        .filter(|column| !matches!(column.ty, Type::Parts(_)))
        .map(|column| row(kind, column))
}

fn row(kind: &Kind, column: &'static Column) -> ColumnRow {
    let change = match column.change {
        Change::InPlace => "in place",
        Change::Replace => "replace",
        Change::CloudFilled => "filled",
        Change::Button => "button",
    };
    let when_null = match column.null {
        Null::Absent => "absent",
        Null::Chosen => "chosen",
    };
    (
        kind.table.to_owned(),
        column.name.to_owned(),
        change,
        when_null,
        column.key,
        column.reference.map(|reference| reference.table),
        column.reference.map(|reference| reference.column),
        column.belongs,
        column.values.to_vec(),
    )
}
