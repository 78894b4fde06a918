//! Installs and uninstalls modules, and deletes all records.

use crate::importing::{self, Imported};
use crate::internal::{as_owner, as_table_owner};
use crate::local::LocalSettings;
use crate::locks::{Lock, hold_rows, start_run};
use crate::modules::{self, MODULES, Module, with_needed};
use crate::report::Problem;
use crate::sql::{self, quoted};
use crate::tables::{self, Table};
use crate::world::{self, Scene, read_everything, read_rows};
use crate::{changes, store, syncing};
use iasql_engine::clear::rows_to_delete;
use iasql_engine::plan::Action;
use iasql_engine::sync::{RowChange, plan_sync};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::str::FromStr;

/// Module, table, count.
pub type Counted = Vec<(String, String, i32)>;

impl Module {
    /// The name with its version: `aws_vpc@0.0.1`.
    pub fn full_name(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// The modules of these names, with or without a version.
pub fn named(names: &[Option<String>]) -> Result<Vec<&'static Module>, Problem> {
    let mut found = Vec::new();
    for name in names {
        let name = name.as_ref().ok_or(Problem::NullName)?;
        let (plain, version) = match name.split_once('@') {
            Some((plain, version)) => (plain, Some(version)),
            None => (name.as_str(), None),
        };
        let module = modules::module(plain).ok_or_else(|| Problem::NoModule {
            name: name.clone(),
            nearest: modules::nearest(plain),
        })?;
        if let Some(version) = version.filter(|version| *version != module.version) {
            return Err(Problem::NoVersion {
                module: module.name,
                version: version.to_owned(),
                exists: module.version,
            });
        }
        found.push(module);
    }
    Ok(found)
}

/// Creates the tables of the modules and of those they need, and imports what the account holds.
pub fn install(modules: &[&'static Module]) -> Result<Counted, Problem> {
    let _running = start_run("iasql_install")?;
    let wanted = with_needed(modules);
    let installed = tables::installed_modules();
    let new: Vec<&'static Module> = wanted
        .iter()
        .copied()
        .filter(|module| !installed.contains(module))
        .collect();
    let mut imported = HashMap::new();
    if !new.is_empty() {
        seed_region()?;
        let schema = create(&new)?;
        imported = import(&new)?;
        for module in &new {
            run_script(&schema, module.after_import());
        }
    }
    let scene_tables = tables::installed(Lock::Read)?;
    let mut rows = Counted::new();
    for module in &wanted {
        for table in module.tables {
            let count = match new.contains(module) {
                true => imported.get(table).copied().unwrap_or_default(),
                false => count(&scene_tables, table),
            };
            rows.push((
                module.full_name(),
                (*table).to_owned(),
                i32::try_from(count).unwrap_or(i32::MAX),
            ));
        }
    }
    Ok(rows)
}

/// The first region is the server's, or the SDK's own.
fn seed_region() -> Result<(), Problem> {
    if !store::enabled_regions().is_empty() {
        return Ok(());
    }
    let settings = crate::connection::current()?;
    let region = crate::pump::call(
        crate::pump::OnInterrupt::Drop,
        move |sessions, _| Box::pin(async move { sessions.get(&settings).await.region().clone() }),
        &mut |_| Ok(()),
    )?;
    match region.as_str() {
        "" => Err(Problem::NoRegion {
            server: crate::settings::server(),
        }),
        region => {
            store::seed_region(region);
            Ok(())
        }
    }
}

/// Creates the tables; returns their schema.
fn create(modules: &[&'static Module]) -> Result<String, Problem> {
    let schema = sql::value("SELECT pg_catalog.current_schema()", &[])
        .filter(|schema| !schema.starts_with("pg_temp"))
        .ok_or(Problem::NoSchema)?;
    let needed = with_needed(modules);
    lock_referred(needed.iter().filter(|module| !modules.contains(module)))?;
    for module in modules {
        check_schema_of_needed(module, &schema)?;
        for table in module.tables {
            let name = format!("{}.{}", quoted(&schema), quoted(table));
            let taken = sql::value("SELECT pg_catalog.to_regclass($1)", &[Some(&name)]);
            if taken.is_some() {
                return Err(Problem::NameTaken { table, schema });
            }
        }
        run_script(&schema, module.before_import());
        for table in module.tables {
            let name = format!("{}.{}", quoted(&schema), quoted(table));
            store::record_table(table, module.name, module.version, &name);
        }
    }
    let is_new = |table: &Table| {
        let mut tables = modules.iter().flat_map(|module| module.tables);
        tables.any(|name| *name == table.kind.table)
    };
    let installed = tables::installed(Lock::Read)?;
    installed
        .iter()
        .filter(|table| is_new(table))
        .for_each(changes::watch);
    Ok(schema)
}

/// Locks what the new tables will refer to, as far as the caller may refer to it: else their making fails anyway.
fn lock_referred<'a>(modules: impl Iterator<Item = &'a &'static Module>) -> Result<(), Problem> {
    let tables: Vec<&str> = modules.flat_map(|module| module.tables).copied().collect();
    for relation in relations() {
        let may = has_privilege(
            "SELECT pg_catalog.has_table_privilege($1::pg_catalog.oid, 'REFERENCES')",
            relation.oid,
        );
        if may && tables.contains(&relation.table.as_str()) {
            Lock::Refer.on(relation.oid, &relation.table)?;
        }
    }
    Ok(())
}

fn has_privilege(check: &str, object: pg_sys::Oid) -> bool {
    sql::value(check, &[Some(&object.to_u32().to_string())]).as_deref() == Some("t")
}

/// Foreign keys and triggers look for the tables that a module needs beside its own.
fn check_schema_of_needed(module: &'static Module, schema: &str) -> Result<(), Problem> {
    let needed = module.needs.iter().filter_map(|name| modules::module(name));
    let needed: Vec<&str> = needed.flat_map(|module| module.tables).copied().collect();
    let elsewhere = relations()
        .into_iter()
        .find(|relation| needed.contains(&relation.table.as_str()) && relation.schema != schema);
    match elsewhere {
        None => Ok(()),
        Some(relation) => Err(Problem::OtherSchema {
            module: module.name,
            needed: relation.table,
            schema: relation.schema,
        }),
    }
}

/// Runs a module's statements as the caller. What is in the schema must not be taken for what Postgres itself brings.
fn run_script(schema: &str, script: &str) {
    let _path = LocalSettings::safe_path();
    sql::execute(&script.replace("@schema@", &quoted(schema)), &[]);
}

/// Imports the objects of new modules; returns how many rows each table has now.
fn import(modules: &[&'static Module]) -> Result<HashMap<&'static str, usize>, Problem> {
    let scene = Scene::look(Lock::Write)?;
    let new: Vec<&'static str> = scene
        .wholes()
        .map(|table| table.kind.table)
        .filter(|table| modules.iter().any(|module| module.tables.contains(table)))
        .collect();
    // What earlier runs did to these tables tells what their objects are; then all must be known before a row is written.
    let (imported, identity) = match store::journal_names(&new) {
        true => import_at_once(&scene, &new)?,
        false => importing::import(&scene, &new)?,
    };
    if scene.binding.is_none() {
        store::write_binding(&identity, scene.settings.endpoint_url.as_deref());
    }
    Ok(imported)
}

/// Imports when everything is read, as a sync does.
fn import_at_once(scene: &Scene, new: &[&'static str]) -> Result<Imported, Problem> {
    let (rows, identity, reading) = read_everything(scene, new.to_vec())?;
    let planned = rows.desired.clone();
    let mut plan = plan_sync(world::world(scene, rows, reading, new));
    syncing::carry_out(scene, &mut plan, &planned)?;
    let mut imported = HashMap::new();
    let is_new = |change: &&RowChange| change.action == Action::Create;
    syncing::count(plan.changes.iter().filter(is_new), &mut imported);
    Ok((imported, identity))
}

fn count(tables: &[Table], name: &str) -> usize {
    let table = tables.iter().find(|table| table.kind.table == name);
    let rows = table.map(|table| {
        let statement = format!("SELECT pg_catalog.count(*) FROM {}", table.name);
        table.query(&statement, &[])
    });
    number(rows)
}

fn number<T: FromStr + Default>(rows: Option<sql::Rows>) -> T {
    let value = rows.into_iter().flatten().flatten().next().flatten();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_default()
}

/// Drops the tables of the modules. Nothing in AWS changes.
pub fn uninstall(modules: &[&'static Module]) -> Result<Counted, Problem> {
    let _running = start_run("iasql_uninstall")?;
    let installed = tables::installed_modules();
    for module in modules {
        if !installed.contains(module) {
            return Err(Problem::NotInstalled {
                name: module.name.to_owned(),
            });
        }
        let dependents: Vec<&'static str> = installed
            .iter()
            .filter(|other| other.needs.contains(&module.name) && !modules.contains(other))
            .map(|other| other.name)
            .collect();
        if !dependents.is_empty() {
            return Err(Problem::Needed {
                module: module.name,
                dependents,
            });
        }
    }
    let relations = relations();
    lock_dropped(&relations, modules)?;
    let mut rows = Counted::new();
    let mut drops = Vec::new();
    for module in MODULES
        .iter()
        .rev()
        .filter(|module| modules.contains(module))
    {
        for table in module.tables.iter().rev() {
            let relation = relations.iter().find(|relation| relation.table == *table);
            let held = relation.map(|relation| {
                drops.push(relation.name());
                let statement = format!("SELECT pg_catalog.count(*) FROM {}", relation.name());
                as_table_owner(relation.owner, || sql::query(&statement, &[]))
            });
            rows.push((module.full_name(), (*table).to_owned(), number(held)));
            store::forget_table(table);
            changes::forget_table(table);
        }
    }
    if !drops.is_empty() {
        sql::execute(&format!("DROP TABLE {}", drops.join(", ")), &[]);
    }
    Ok(rows)
}

/// Locks the tables of the modules, as far as the caller may drop them: else the drop fails anyway.
fn lock_dropped(relations: &[Relation], modules: &[&'static Module]) -> Result<(), Problem> {
    for relation in relations {
        let dropped = modules
            .iter()
            .any(|module| module.tables.contains(&relation.table.as_str()));
        let may = || {
            has_privilege(
                "SELECT pg_catalog.pg_has_role($1::pg_catalog.oid, 'USAGE')",
                relation.owner,
            )
        };
        if dropped && may() {
            Lock::Drop.on(relation.oid, &relation.table)?;
        }
    }
    Ok(())
}

/// An installed table, whatever shape it is in.
struct Relation {
    table: String,
    schema: String,
    relation: String,
    oid: pg_sys::Oid,
    owner: pg_sys::Oid,
}

impl Relation {
    fn name(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.relation))
    }
}

/// The installed tables that still exist.
fn relations() -> Vec<Relation> {
    let rows = as_owner(|| {
        sql::query(
            "SELECT t.table_name, n.nspname, c.relname, c.oid, c.relowner
             FROM iasql.installed_table t
             JOIN pg_class c ON c.oid = t.relation AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace",
            &[],
        )
    });
    rows.into_iter()
        .filter_map(|row| {
            let mut row = row.into_iter().flatten();
            Some(Relation {
                table: row.next()?,
                schema: row.next()?,
                relation: row.next()?,
                oid: sql::oid(&row.next()?),
                owner: sql::oid(&row.next()?),
            })
        })
        .collect()
}

/// Deletes the rows of every module table in one statement, but those that are protected, that the account owns, or
/// that such a row refers to.
pub fn delete_all_records() -> Result<(), Problem> {
    let scene = Scene::look(Lock::Write)?;
    let rows = read_rows(&scene)?;
    let gone = rows_to_delete(&scene.catalog, &rows.desired, &rows.known);
    let protected: Vec<String> = rows
        .desired
        .iter()
        .filter(|row| {
            // A row that is inserted anew under the id of a protected one does not take its protection off.
            let known = rows.known.get(&row.key);
            row.protected || known.is_some_and(|known| known.protected)
        })
        .map(|row| format!("{} \"{}\"", row.key.table, row.row.name()))
        .collect();
    if !protected.is_empty() {
        notice!(
            "protected rows, and what they refer to, are kept: {}",
            protected.join(", ")
        );
    }
    let deletes: Vec<(&Table, Vec<i64>)> = scene
        .wholes()
        .map(|table| {
            let rows = gone.iter().filter(|key| key.table == table.kind.table);
            (table, rows.map(|key| key.id).collect::<Vec<i64>>())
        })
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    hold_rows(&scene, &rows.desired, &gone.iter().copied().collect())?;
    crate::write::delete(&deletes);
    Ok(())
}
