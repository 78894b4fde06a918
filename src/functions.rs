//! The functions that users call. Each is one short story: look, read, plan, and perhaps do.

#![expect(
    clippy::result_large_err,
    reason = "pgrx keeps SQLSTATE, DETAIL and HINT only of an error report that is returned by value"
)]

use crate::applying::{self, announce};
use crate::locks::{self, Lock, start_run};
use crate::modules::{self, MODULES, Module};
use crate::planning::{check_account, plan_a_sync, plan_apply};
use crate::report::Problem;
use crate::world::{Scene, must_write};
use crate::{installing, store, syncing, tables, tightening};
use iasql_engine::plan::{News, Plan, Refusal};
use iasql_engine::sync::{RowChange, SyncPlan};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// pgrx raises an [`ErrorReport`] with all it says; of any other error only the text.
type Answer<T> = Result<T, ErrorReport>;

type Rows<T> = Answer<TableIterator<'static, T>>;

/// A row of a plan, as users see it.
type PlanRow = (
    name!(action, String),
    name!(table_name, String),
    name!(id, Option<i32>),
    name!(description, String),
);

#[pg_extern(sql = false)]
fn iasql_install(
    modules: Vec<Option<String>>,
) -> Rows<(
    name!(module_name, String),
    name!(created_table_name, String),
    name!(record_count, i32),
)> {
    must_write("iasql_install")?;
    let modules = installing::named(&modules)?;
    Ok(TableIterator::new(installing::install(&modules)?))
}

#[pg_extern(sql = false)]
fn iasql_uninstall(
    modules: Vec<Option<String>>,
) -> Rows<(
    name!(module_name, String),
    name!(dropped_table_name, String),
    name!(record_count, i32),
)> {
    must_write("iasql_uninstall")?;
    let modules = installing::named(&modules)?;
    Ok(TableIterator::new(installing::uninstall(&modules)?))
}

#[pg_extern(sql = false)]
fn iasql_plan_apply() -> Rows<PlanRow> {
    let (_scene, mut plan) = planned()?;
    announce(&mut plan)?;
    let rows: Vec<PlanRow> = plan
        .steps
        .iter()
        .filter(|step| step.shown)
        .map(|step| {
            let id = step.row.as_ref().and_then(|_| sql_id(step.key.id));
            (
                step.action.to_string(),
                step.kind.table.to_owned(),
                id,
                step.description(),
            )
        })
        .collect();
    Ok(TableIterator::new(rows))
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn iasql_explain_apply() -> Rows<(
    name!(step, i32),
    name!(action, String),
    name!(table_name, String),
    name!(id, Option<i32>),
    name!(description, String),
    name!(column_name, Option<String>),
    name!(before, Option<String>),
    name!(after, Option<String>),
    name!(why, String),
    name!(waits_for, Vec<i32>),
)> {
    let (_scene, mut plan) = planned()?;
    announce(&mut plan)?;
    let number = |position: usize| sql_id(position as i64 + 1).unwrap_or_default();
    let mut rows = Vec::new();
    for (position, step) in plan.steps.iter().enumerate() {
        let waits: Vec<i32> = step.after.iter().map(|before| number(*before)).collect();
        let action = match step.shown {
            true => step.action.to_string(),
            false => format!("{} (delete the old)", step.action),
        };
        let row = |column: Option<String>, before, after, why: String| {
            (
                number(position),
                action.clone(),
                step.kind.table.to_owned(),
                step.row.as_ref().and_then(|_| sql_id(step.key.id)),
                step.description(),
                column,
                before,
                after,
                why,
                waits.clone(),
            )
        };
        if step.changes.is_empty() {
            rows.push(row(None, None, None, step.why.to_string()));
        }
        for change in &step.changes {
            rows.push(row(
                Some(change.column.to_owned()),
                shown(&change.before),
                shown(&change.after),
                match step.why {
                    iasql_engine::plan::Why::Changed => change.cause.to_string(),
                    why => why.to_string(),
                },
            ));
        }
    }
    Ok(TableIterator::new(rows))
}

fn shown(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}

#[pg_extern(sql = false)]
fn iasql_apply() -> Rows<PlanRow> {
    must_write("iasql_apply")?;
    let _running = start_run("iasql_apply")?;
    let scene = Scene::look(Lock::Write)?;
    if scene
        .binding
        .as_ref()
        .is_some_and(|binding| !binding.is_here)
    {
        return Err(Problem::Copy.into());
    }
    check_account(&scene)?;
    let done = applying::apply(&scene)?;
    let rows: Vec<PlanRow> = done
        .into_iter()
        .map(|(action, table, id, description)| {
            (action, table.to_owned(), id.and_then(sql_id), description)
        })
        .collect();
    Ok(TableIterator::new(rows))
}

#[pg_extern(sql = false)]
fn iasql_plan_sync() -> Rows<PlanRow> {
    announce_other_run();
    let scene = Scene::look(Lock::Read)?;
    let planned = plan_a_sync(&scene)?;
    Ok(TableIterator::new(sync_rows(&planned.plan)))
}

#[pg_extern(sql = false)]
fn iasql_sync() -> Rows<PlanRow> {
    must_write("iasql_sync")?;
    let _running = start_run("iasql_sync")?;
    let scene = Scene::look(Lock::Write)?;
    let mut planned = plan_a_sync(&scene)?;
    syncing::carry_out(&scene, &mut planned.plan, &planned.desired)?;
    planned.notes.settle();
    Ok(TableIterator::new(sync_rows(&planned.plan)))
}

#[pg_extern(sql = false)]
fn delete_all_records() -> Answer<()> {
    must_write("delete_all_records")?;
    let _running = start_run("delete_all_records")?;
    Ok(installing::delete_all_records()?)
}

#[pg_extern(sql = false)]
fn iasql_modules_list() -> Rows<ModuleRow> {
    Ok(TableIterator::new(MODULES.iter().map(module_row)))
}

#[pg_extern(sql = false)]
fn iasql_modules_installed() -> Rows<ModuleRow> {
    let installed = tables::installed_modules();
    Ok(TableIterator::new(installed.into_iter().map(module_row)))
}

type ModuleRow = (
    name!(module_name, String),
    name!(module_version, String),
    name!(dependencies, Vec<String>),
);

fn module_row(module: &'static Module) -> ModuleRow {
    let needs = module.needs.iter().filter_map(|name| modules::module(name));
    (
        module.name.to_owned(),
        module.version.to_owned(),
        needs.map(Module::full_name).collect(),
    )
}

#[pg_extern(sql = false)]
fn iasql_take_over() -> Answer<()> {
    must_write("iasql_take_over")?;
    let _running = start_run("iasql_take_over")?;
    store::take_over();
    Ok(())
}

#[pg_extern(sql = false)]
fn iasql_tighten(setting: &str, value: &str) -> Answer<String> {
    Ok(tightening::tighten(setting, value)?)
}

#[pg_extern(sql = false)]
fn iasql_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn planned() -> Result<(Scene, Plan), Problem> {
    let is_alone = !announce_other_run();
    let scene = Scene::look(Lock::Read)?;
    let mut plan = plan_apply(&scene)?.plan;
    // What another run has made so far belongs to rows that are not committed yet.
    plan.notices
        .retain(|notice| is_alone || !matches!(notice.what, News::RolledBack(_)));
    warn_of_what_is_shown(&mut plan);
    Ok((scene, plan))
}

/// A plan that shows what it refuses can be looked at, and not applied: what apply would raise is a warning.
fn warn_of_what_is_shown(plan: &mut Plan) {
    let refusals = std::mem::take(&mut plan.refusals);
    let (refusals, others): (Vec<Refusal>, _) = refusals
        .into_iter()
        .partition(|refusal| refusal.why.shows_its_steps());
    plan.refusals = others;
    if !refusals.is_empty() {
        ErrorReport::from(Problem::Refused { refusals }).report(PgLogLevel::WARNING);
    }
}

/// A plan does not see what a run that goes on in another session has done. Says whether there is one.
fn announce_other_run() -> bool {
    let holder = locks::other_run();
    if let Some(holder) = &holder {
        notice!(
            "another apply, sync or install is running in this database; the plan is made without it: {holder}"
        );
    }
    holder.is_some()
}

fn sync_rows(plan: &SyncPlan) -> Vec<PlanRow> {
    let row = |change: &RowChange| {
        let deleted = change.action == iasql_engine::plan::Action::Delete;
        let id = (!deleted && change.key.id > 0).then_some(change.key.id);
        let object = change.object.as_ref().map(ToString::to_string);
        (
            change.action.to_string(),
            change.key.table.to_owned(),
            id.and_then(sql_id),
            object.unwrap_or_else(|| change.row.name()),
        )
    };
    plan.changes.iter().map(row).collect()
}

fn sql_id(id: i64) -> Option<i32> {
    i32::try_from(id).ok()
}
