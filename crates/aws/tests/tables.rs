//! What is said of a table in two places agrees: the SQL of its module and the kind in its file.

// A test that cannot go on has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use iasql_engine::kind::{Catalog, Kind, Scope, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A table as its module's SQL says it.
struct Table {
    /// The columns with their types, in order.
    columns: Vec<(String, String)>,
    /// The columns of each UNIQUE constraint.
    unique: Vec<BTreeSet<String>>,
    /// The foreign keys: a column, and the table and the column it refers to. Without regions.
    references: BTreeSet<(String, String, String)>,
    /// The columns of the foreign keys that can be checked later.
    deferrable: BTreeSet<String>,
}

/// Columns that mean nothing in the cloud, or the same in every table.
const COMMON: &[&str] = &["id", "row_id", "region", "protected"];

fn sql(folder: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../sql")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    files
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

fn tables(sql: &str) -> BTreeMap<String, Table> {
    let blocks = sql.split("CREATE TABLE @schema@.").skip(1);
    let mut tables: BTreeMap<String, Table> = blocks
        .map(|block| {
            let (name, rest) = block.split_once(" (\n").unwrap();
            let body = rest.split_once("\n);").unwrap().0;
            (name.to_owned(), table(body))
        })
        .collect();
    for block in sql.split("ALTER TABLE @schema@.").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let keys = rest.split_once(';').unwrap().0;
        let keys = table(&keys.replace("ADD CONSTRAINT ", "CONSTRAINT "));
        let table = tables.get_mut(name).unwrap();
        table.references.extend(keys.references);
        table.deferrable.extend(keys.deferrable);
    }
    tables
}

fn table(body: &str) -> Table {
    let mut items: Vec<String> = Vec::new();
    for line in body
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim().starts_with("--"))
    {
        match items.last_mut() {
            Some(item)
                if line.starts_with("     ") || line.trim() == ")," || line.trim() == ")" =>
            {
                item.push(' ');
                item.push_str(line.trim());
            }
            _ => items.push(line.trim().to_owned()),
        }
    }
    let mut table = Table {
        columns: Vec::new(),
        unique: Vec::new(),
        references: BTreeSet::new(),
        deferrable: BTreeSet::new(),
    };
    for item in items {
        if !item.starts_with("CONSTRAINT ") {
            let mut words = item.split_whitespace();
            let name = words.next().unwrap().to_owned();
            table
                .columns
                .push((name, words.next().unwrap().trim_end_matches(',').to_owned()));
        } else if item.contains(" UNIQUE ") {
            table.unique.push(list(&item).into_iter().collect());
        } else if let Some((own, theirs)) = item.split_once(" REFERENCES ") {
            let there = theirs
                .trim_start_matches("@schema@.")
                .split(' ')
                .next()
                .unwrap();
            let pairs = list(own).into_iter().zip(list(theirs));
            let pairs = pairs.filter(|(column, _)| column != "region");
            if theirs.contains(" DEFERRABLE") {
                table.deferrable.extend(list(own));
            }
            table
                .references
                .extend(pairs.map(|(column, to)| (column, there.to_owned(), to)));
        }
    }
    table
}

/// The names in the first parentheses.
fn list(text: &str) -> Vec<String> {
    let inner = text.split(['(', ')']).nth(1).unwrap();
    inner
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Every kind and every part.
fn kinds() -> Vec<&'static Kind> {
    iasql_aws::resources()
        .map(|resource| resource.kind())
        .flat_map(|kind| kind.parts().map(|(_, part)| part).chain([kind]))
        .collect()
}

fn ties(kind: &Kind) -> Vec<&'static str> {
    let on = kind.part_of.as_ref().map_or(&[][..], |part_of| part_of.on);
    on.iter().map(|(mine, _)| *mine).collect()
}

#[test]
fn every_table_has_a_kind_and_every_kind_a_table() {
    let tables = tables(&sql(""));
    let of_sql: Vec<&str> = tables.keys().map(String::as_str).collect();
    let mut of_kinds: Vec<&str> = kinds().iter().map(|kind| kind.table).collect();
    of_kinds.sort_unstable();
    assert_eq!(of_sql, of_kinds);
    assert_eq!(of_sql.len(), 18);
}

#[test]
fn the_columns_are_the_same_and_in_the_same_order() {
    let tables = tables(&sql(""));
    for kind in kinds() {
        let ties = ties(kind);
        let of_sql: Vec<&str> = tables[kind.table]
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !COMMON.contains(name) && !ties.contains(name))
            .collect();
        let of_kind: Vec<&str> = kind
            .columns
            .iter()
            .filter(|column| !matches!(column.ty, Type::Parts(_)))
            .map(|column| column.name)
            .collect();
        assert_eq!(of_sql, of_kind, "{}", kind.table);
    }
}

#[test]
fn what_is_regional_has_a_region() {
    let tables = tables(&sql(""));
    for kind in kinds() {
        let has_region = tables[kind.table]
            .columns
            .iter()
            .any(|(name, _)| name == "region");
        assert_eq!(has_region, kind.scope == Scope::Regional, "{}", kind.table);
    }
}

#[test]
fn references_are_foreign_keys_and_foreign_keys_are_references() {
    let tables = tables(&sql(""));
    for kind in kinds() {
        let part_of = kind.part_of.as_ref();
        let ties = part_of.into_iter().flat_map(|part_of| {
            let tie = |(mine, theirs): &(&str, &str)| {
                (
                    (*mine).to_owned(),
                    part_of.table.to_owned(),
                    (*theirs).to_owned(),
                )
            };
            part_of.on.iter().map(tie)
        });
        let references = kind.columns.iter().filter_map(|column| {
            let reference = column.reference?;
            Some((
                column.name.to_owned(),
                reference.table.to_owned(),
                reference.column.to_owned(),
            ))
        });
        let of_kind: BTreeSet<_> = references.chain(ties).collect();
        assert_eq!(tables[kind.table].references, of_kind, "{}", kind.table);
    }
}

#[test]
fn a_natural_key_is_unique_in_its_region() {
    let tables = tables(&sql(""));
    let mut checked = 0;
    for kind in kinds() {
        let mut key: BTreeSet<String> = kind
            .columns
            .iter()
            .filter(|column| column.key)
            .map(|column| column.name.to_owned())
            .collect();
        if key.is_empty() {
            continue;
        }
        // A part is unique in its whole.
        key.extend(ties(kind).into_iter().map(str::to_owned));
        if kind.scope == Scope::Regional {
            key.insert("region".to_owned());
        }
        checked += 1;
        assert!(
            tables[kind.table].unique.contains(&key),
            "{}: {key:?}",
            kind.table
        );
    }
    assert!(checked > 10);
}

#[test]
fn rows_whose_name_holds_a_reference_can_change_names_with_each_other() {
    let tables = tables(&sql(""));
    let mut checked = 0;
    for kind in kinds().iter().filter(|kind| kind.part_of.is_none()) {
        let mut keys = kind.columns.iter().filter(|column| column.key);
        if let Some(column) = keys.find(|column| column.reference.is_some()) {
            checked += 1;
            let deferrable = &tables[kind.table].deferrable;
            let name = column.name;
            assert!(deferrable.contains(name), "{}.{name}", kind.table);
        }
    }
    assert!(checked > 5);
}

#[test]
fn enums_have_the_same_values() {
    let types = sql("extension");
    let tables = tables(&sql(""));
    let mut checked = 0;
    for kind in kinds() {
        for (name, ty) in &tables[kind.table].columns {
            let Some(column) = kind.column(name) else {
                continue;
            };
            let of_kind: BTreeSet<&str> = column.values.iter().copied().collect();
            let definition = ty
                .strip_prefix("iasql.")
                .map(|ty| format!("CREATE TYPE iasql.{ty} AS ENUM ("));
            let of_sql: BTreeSet<&str> = match &definition {
                None => BTreeSet::new(),
                Some(definition) => {
                    let labels = types.split_once(definition.as_str()).unwrap().1;
                    let labels = labels.split(");").next().unwrap();
                    labels.split('\'').skip(1).step_by(2).collect()
                }
            };
            checked += usize::from(definition.is_some());
            assert_eq!(of_sql, of_kind, "{}.{name}", kind.table);
        }
    }
    assert!(checked > 10);
}

#[test]
fn every_table_and_column_has_a_comment() {
    let sql = sql("");
    for (name, table) in tables(&sql) {
        assert!(
            sql.contains(&format!("COMMENT ON TABLE @schema@.{name} IS '")),
            "{name}"
        );
        for (column, _) in table.columns {
            let comment = format!("COMMENT ON COLUMN @schema@.{name}.{column} IS '");
            assert!(sql.contains(&comment), "{name}.{column}");
        }
    }
}

#[test]
fn the_tables_have_an_order() {
    let wholes = kinds().into_iter().filter(|kind| kind.part_of.is_none());
    assert!(Catalog::new(wholes).is_ok());
}
