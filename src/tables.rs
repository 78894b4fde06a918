//! The installed module tables: where they are, and the rows in them.
//!
//! A table is found by the OID recorded at its install, never by its name: a temporary table or another schema cannot
//! stand in for it. A table that is gone or cannot be read is an error, never an empty set.

use crate::changes::Settling;
use crate::internal::{self, as_owner, as_table_owner};
use crate::local::LocalSettings;
use crate::locks::Lock;
use crate::modules;
use crate::report::Problem;
use crate::sql::{self, Snapshot, quoted};
use iasql_engine::kind::{Scope, Type};
use iasql_engine::plan::Desired;
use iasql_engine::{Column, Kind, Region, Row, RowKey, Value};
use pgrx::pg_sys;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;

/// An installed table.
#[derive(Debug, Clone)]
pub struct Table {
    /// What its columns are.
    pub kind: &'static Kind,
    /// Its name in SQL, qualified and quoted.
    pub name: String,
    /// The column that identifies a row: `id` or `row_id`.
    pub id_column: &'static str,
    /// Whether it has a column `protected`.
    pub has_protected: bool,
    /// Whether its users have hung triggers on it.
    pub has_own_triggers: bool,
    owner: pg_sys::Oid,
    types: HashMap<String, SqlType>,
}

/// The type of a column. Displayed qualified and quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlType {
    schema: String,
    name: String,
}

impl SqlType {
    /// Whether its values are JSON documents.
    pub fn is_json(&self) -> bool {
        self.schema == "pg_catalog" && matches!(self.name.as_str(), "json" | "jsonb")
    }

    /// Whether it is Postgres's or ours. A user's own type brings the user's own code, which casts would run.
    fn is_trusted(&self) -> bool {
        matches!(self.schema.as_str(), "pg_catalog" | "iasql")
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

/// The kind of a table or of a part.
pub fn kind_of(table: &str) -> Option<&'static Kind> {
    iasql_aws::resources()
        .map(|resource| resource.kind())
        .flat_map(|kind| std::iter::once(kind).chain(kind.parts().map(|(_, part)| part)))
        .find(|kind| kind.table == table)
}

/// All installed tables, parts included. They keep their names and columns until the end of the transaction.
pub fn installed(lock: Lock) -> Result<Vec<Table>, Problem> {
    lock.on_installed()?;
    let (tables, mut types) = as_owner(|| {
        let tables = sql::query(
            "SELECT t.table_name, t.module_name, t.relation::oid, c.relowner, n.nspname, c.relname,
                    EXISTS (SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
                            WHERE g.tgrelid = t.relation AND NOT g.tgisinternal
                              AND p.pronamespace <> 'iasql'::regnamespace)
             FROM iasql.installed_table t
             LEFT JOIN pg_class c ON c.oid = t.relation AND c.relkind = 'r'
             LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
             ORDER BY t.table_name",
            &[],
        );
        (tables, types())
    });
    let mut installed = Vec::new();
    for row in tables {
        let [
            Some(table),
            Some(module),
            Some(oid),
            owner,
            schema,
            relation,
            own_triggers,
        ] = row.as_slice()
        else {
            continue;
        };
        let Some(kind) = kind_of(table) else {
            continue;
        };
        let (Some(owner), Some(schema), Some(relation)) = (owner, schema, relation) else {
            return Err(Problem::TableGone {
                table: table.clone(),
                module: module.clone(),
            });
        };
        let types = types.remove(oid).unwrap_or_default();
        installed.push(Table {
            kind,
            name: format!("{}.{}", quoted(schema), quoted(relation)),
            id_column: if types.contains_key("row_id") {
                "row_id"
            } else {
                "id"
            },
            has_protected: types.contains_key("protected"),
            has_own_triggers: own_triggers.as_deref() == Some("t"),
            owner: sql::oid(owner),
            types,
        });
    }
    for table in &installed {
        table.check_columns()?;
    }
    Ok(installed)
}

/// The types of the columns of the installed tables, by relation and name.
fn types() -> HashMap<String, HashMap<String, SqlType>> {
    let columns = sql::query(
        "SELECT a.attrelid, a.attname, n.nspname, y.typname
         FROM iasql.installed_table t JOIN pg_attribute a ON a.attrelid = t.relation
         JOIN pg_type y ON y.oid = a.atttypid JOIN pg_namespace n ON n.oid = y.typnamespace
         WHERE a.attnum > 0 AND NOT a.attisdropped",
        &[],
    );
    let mut types: HashMap<String, HashMap<String, SqlType>> = HashMap::new();
    for column in columns {
        if let [Some(relation), Some(column), Some(schema), Some(name)] = column.as_slice() {
            let ty = SqlType {
                schema: schema.clone(),
                name: name.clone(),
            };
            let columns = types.entry(relation.clone()).or_default();
            columns.insert(column.clone(), ty);
        }
    }
    types
}

/// The modules that are installed, in the order of [`modules::MODULES`].
pub fn installed_modules() -> Vec<&'static modules::Module> {
    let names = as_owner(|| {
        sql::query(
            "SELECT DISTINCT module_name FROM iasql.installed_table",
            &[],
        )
    });
    let names: Vec<String> = names.into_iter().flatten().flatten().collect();
    modules::MODULES
        .iter()
        .filter(|module| names.iter().any(|name| name == module.name))
        .collect()
}

impl Table {
    /// The columns that are columns of this table: all but the parts.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> {
        self.kind
            .columns
            .iter()
            .filter(|column| !matches!(column.ty, Type::Parts(_)))
    }

    /// Whether its rows have a region.
    pub fn is_regional(&self) -> bool {
        self.kind.scope == Scope::Regional
    }

    /// The columns that tie a part to its whole.
    pub fn ties(&self) -> Vec<&'static str> {
        let mut ties: Vec<&'static str> = match &self.kind.part_of {
            Some(part_of) => part_of.on.iter().map(|(mine, _)| *mine).collect(),
            None => Vec::new(),
        };
        if self.is_regional() {
            ties.push("region");
        }
        ties
    }

    /// The SQL type of a column that the kind has.
    pub fn sql_type(&self, column: &str) -> Option<&SqlType> {
        self.types.get(column)
    }

    /// Runs a statement on the table and returns its rows.
    pub fn query(&self, statement: &str, parameters: &[Option<&str>]) -> sql::Rows {
        as_table_owner(self.owner, || sql::query(statement, parameters))
    }

    /// Runs statements as the table's owner, whoever calls: only for what takes nothing from the caller.
    pub fn as_its_owner<T>(&self, statements: impl FnOnce() -> T) -> T {
        internal::acting_as(self.owner, statements)
    }

    /// Runs a statement that writes what rows and cloud agree on.
    pub fn settle(&self, statement: &str, parameters: &[Option<&str>]) -> u64 {
        let _settling = Settling::on(self);
        self.execute(statement, parameters)
    }

    /// Writes what rows and cloud agree on, from lists of texts.
    pub fn settle_lists(&self, statement: &str, lists: &[sql::Texts<'_>]) -> u64 {
        let _settling = Settling::on(self);
        as_table_owner(self.owner, || sql::execute_lists(statement, lists))
    }

    /// Runs a statement on the table and returns how many rows it wrote.
    pub fn execute(&self, statement: &str, parameters: &[Option<&str>]) -> u64 {
        as_table_owner(self.owner, || sql::execute(statement, parameters))
    }

    /// Whether the other table has the same owner, so that one statement may be on both.
    pub fn has_owner_of(&self, other: &Table) -> bool {
        self.owner == other.owner
    }

    fn check_columns(&self) -> Result<(), Problem> {
        let region = self.is_regional().then_some("region");
        let protected = self.has_protected.then_some("protected");
        let columns = self.columns().map(|column| column.name);
        for column in columns
            .chain(region)
            .chain(protected)
            .chain([self.id_column])
        {
            let table = self.kind.table;
            match self.types.get(column) {
                None => return Err(Problem::ColumnGone { table, column }),
                Some(ty) if !ty.is_trusted() => {
                    return Err(Problem::ColumnType {
                        table,
                        column,
                        ty: ty.clone(),
                    });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Every row of the tables, parts with their wholes.
pub fn read(tables: &[Table], snapshot: &Snapshot) -> Result<Vec<Desired>, Problem> {
    let _settings = for_reading();
    let mut parts: HashMap<&'static str, Parts> = HashMap::new();
    for table in tables.iter().filter(|table| table.kind.part_of.is_some()) {
        parts.insert(table.kind.table, read_parts(table, snapshot)?);
    }
    let mut desired = Vec::new();
    for table in tables.iter().filter(|table| table.kind.part_of.is_none()) {
        desired.extend(read_rows(table, &mut parts, "", snapshot)?);
    }
    Ok(desired)
}

/// The rows of a table that has no parts, by their ids.
pub fn read_some(table: &Table, ids: &[i64], snapshot: &Snapshot) -> Result<Vec<Desired>, Problem> {
    let _settings = for_reading();
    let id = quoted(table.id_column);
    let some = format!(
        " WHERE {id} OPERATOR(pg_catalog.=) ANY ('{}'::pg_catalog.int4[])",
        sql::array(ids)
    );
    read_rows(table, &mut HashMap::new(), &some, snapshot)
}

/// Row security raises instead of hiding rows.
fn for_reading() -> LocalSettings {
    LocalSettings::enter(&[
        (c"row_security", c"off"),
        (c"search_path", c"pg_catalog, pg_temp"),
    ])
}

/// Part rows by the values that tie them to their whole.
type Parts = HashMap<Vec<String>, Vec<Row>>;

fn read_rows(
    table: &Table,
    parts: &mut HashMap<&'static str, Parts>,
    which: &str,
    snapshot: &Snapshot,
) -> Result<Vec<Desired>, Problem> {
    let region_column = if table.is_regional() { "region" } else { "''" };
    let protected = if table.has_protected {
        "protected"
    } else {
        "false"
    };
    let extra = [table.id_column, region_column, protected];
    let mut desired = Vec::new();
    // One row is mostly of the region of the one before.
    let mut region = Region::default();
    each(table, &extra, which, snapshot, |values| {
        let mut values = values.into_iter();
        let mut next = || values.next().flatten();
        let id = next().and_then(|id| id.parse().ok()).unwrap_or_default();
        let name = next().unwrap_or_default();
        if region.as_str() != name {
            region = Region::from(name);
        }
        let protected = next().as_deref() == Some("t");
        let mut row = row(table, id, values)?;
        for (column, part) in table.kind.parts() {
            let tie = tie_of_whole(part, id, &region, &row);
            let rows = parts
                .get_mut(part.table)
                .and_then(|parts| parts.remove(&tie));
            row.set(column.name, rows.unwrap_or_default());
        }
        desired.push(Desired {
            key: RowKey {
                table: table.kind.table,
                id,
            },
            region: region.clone(),
            row,
            protected,
        });
        Ok(())
    })?;
    Ok(desired)
}

fn read_parts(table: &Table, snapshot: &Snapshot) -> Result<Parts, Problem> {
    let ties = table.ties();
    let mut parts = Parts::new();
    each(table, &ties, "", snapshot, |values| {
        let mut values = values.into_iter();
        let tie: Vec<String> = values
            .by_ref()
            .take(ties.len())
            .map(Option::unwrap_or_default)
            .collect();
        parts.entry(tie).or_default().push(row(table, 0, values)?);
        Ok(())
    })?;
    Ok(parts)
}

/// The values that tie parts to this whole.
fn tie_of_whole(part: &Kind, id: i64, region: &Region, row: &Row) -> Vec<String> {
    let on = part.part_of.as_ref().map_or(&[][..], |part_of| part_of.on);
    let mut tie: Vec<String> = on
        .iter()
        .map(|(_, whole)| match *whole {
            "id" => id.to_string(),
            column => row.text(column).unwrap_or_default().to_owned(),
        })
        .collect();
    if part.scope == Scope::Regional {
        tie.push(region.to_string());
    }
    tie
}

/// Visits the rows of a table: the extra columns, then those of its kind.
fn each(
    table: &Table,
    extra: &[&str],
    which: &str,
    snapshot: &Snapshot,
    visit: impl FnMut(Vec<Option<String>>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let columns = table.columns().map(|column| {
        let name = quoted(column.name);
        match column.ty {
            Type::Set => format!("pg_catalog.array_to_json({name})"),
            // RFC 3339 with as few digits as AWS writes.
            Type::Time => format!(
                "pg_catalog.regexp_replace(pg_catalog.to_char({name} AT TIME ZONE 'UTC', \
                 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '\\.?0*$', '') || 'Z'"
            ),
            _ => name,
        }
    });
    let list: Vec<String> = extra
        .iter()
        .map(|extra| (*extra).to_owned())
        .chain(columns)
        .collect();
    let statement = format!("SELECT {} FROM {}{which}", list.join(", "), table.name);
    as_table_owner(table.owner, || snapshot.each(&statement, visit))
}

fn row(
    table: &Table,
    id: i64,
    mut values: impl Iterator<Item = Option<String>>,
) -> Result<Row, Problem> {
    let mut row = Row::new(table.kind);
    for column in table.columns() {
        let Some(text) = values.next().flatten() else {
            continue;
        };
        let value = value(column, text).map_err(|misfit| Problem::Unreadable {
            table: table.kind.table,
            row: id,
            misfit,
        })?;
        row.set(column.name, value);
    }
    Ok(row)
}

fn value(column: &'static Column, text: String) -> Result<Value, String> {
    let misfit = |error: &dyn std::fmt::Display| format!("column {}: {error}", column.name);
    Ok(match column.ty {
        Type::Text | Type::Time | Type::Cidr => text.into(),
        Type::Int => Value::Int(text.parse().map_err(|error| misfit(&error))?),
        Type::Bool => Value::Bool(text == "t"),
        Type::Set => Value::List(serde_json::from_str(&text).map_err(|error| misfit(&error))?),
        Type::Json | Type::Policy => serde_json::from_str::<Json>(&text)
            .map_err(|error| misfit(&error))?
            .into(),
        Type::Parts(_) => Value::Null,
    })
}
