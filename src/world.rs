//! Gathers what a plan is made from: the rows, what was agreed on, and what AWS holds.

use crate::changes::Notes;
use crate::locks::Lock;
use crate::memory::{self, GivesBack};
use crate::pump::{self, Call, Message, OnInterrupt};
use crate::report::Problem;
use crate::sql::Snapshot;
use crate::store::{self, Binding};
use crate::tables::{self, Table};
use crate::{around, connection, settings, sql};
use iasql_aws::doubt::Lost;
use iasql_aws::error::{AwsError, Class};
use iasql_aws::read::{Memory, News, Reading, Request};
use iasql_aws::session::{Identity, Settings};
use iasql_engine::journal::{IntendedWork, Intent, QUIET, intents};
use iasql_engine::kind::{Repeat, Scope};
use iasql_engine::plan::{Desired, World};
use iasql_engine::{Catalog, Known, ObjectKey, Region, Row, RowKey};
use pgrx::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What a run knows before it reads AWS.
pub struct Scene {
    /// How to reach AWS.
    pub settings: Settings,
    /// Whom the tables belong to; None before the first install.
    pub binding: Option<Binding>,
    /// The installed tables, each after those it refers to.
    pub tables: Vec<Table>,
    /// Their kinds, ordered.
    pub catalog: Catalog,
    /// The regions in use.
    pub regions: Vec<Region>,
    /// What the tables are locked for.
    pub lock: Lock,
    /// What is made from the scene is dropped before it: it borrows from it, or was declared after it.
    _memory: GivesBack,
}

impl Scene {
    /// Looks at everything that is in the database, and locks the installed tables.
    pub fn look(lock: Lock) -> Result<Scene, Problem> {
        settings::check_guards()?;
        let mut tables = tables::installed(lock)?;
        let catalog = catalog(&tables);
        tables.sort_by_key(|table| catalog.position(table.kind.table));
        Ok(Scene {
            settings: connection::current()?,
            binding: store::read_binding(),
            catalog,
            tables,
            regions: store::enabled_regions(),
            lock,
            _memory: GivesBack,
        })
    }

    /// The installed table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.kind.table == name)
    }

    /// The tables whose objects AWS lists: all but the parts.
    pub fn wholes(&self) -> impl Iterator<Item = &Table> {
        self.tables
            .iter()
            .filter(|table| table.kind.part_of.is_none())
    }
}

fn catalog(tables: &[Table]) -> Catalog {
    let kinds = tables
        .iter()
        .map(|table| table.kind)
        .filter(|kind| kind.part_of.is_none());
    // That the kinds have an order is proven by a test over all of them.
    Catalog::new(kinds).unwrap_or_else(|circle| pgrx::error!("{circle}"))
}

/// The rows and what was agreed on.
#[derive(Clone, Default)]
pub struct Rows {
    /// All rows.
    pub desired: Vec<Desired>,
    /// What was agreed on, by row.
    pub known: BTreeMap<RowKey, Known>,
    /// What earlier runs did, or may have done, that is not agreed on.
    pub intents: Vec<Intent>,
    /// The objects that runs have deleted lately.
    pub deleted: Vec<ObjectKey>,
    /// The notes of what has changed.
    pub notes: Notes,
}

/// Reads the rows and what was agreed on.
pub fn read_rows(scene: &Scene) -> Result<Rows, Problem> {
    // Rows and agreements of one moment, between two commits of others.
    let snapshot = Snapshot::next();
    Ok(Rows {
        desired: tables::read(&scene.tables, &snapshot)?,
        ..read_agreed(&snapshot)?
    })
}

/// All but the rows themselves.
fn read_agreed(snapshot: &Snapshot) -> Result<Rows, Problem> {
    Ok(Rows {
        desired: Vec::new(),
        known: store::read_known(snapshot)?,
        intents: intents(store::unresolved()?, tables::kind_of),
        deleted: store::deleted_lately(),
        notes: Notes::read(snapshot)?,
    })
}

/// Reads AWS and, meanwhile, the rows and what was agreed on.
pub fn read_everything(
    scene: &Scene,
    tables: Vec<&'static str>,
) -> Result<(Rows, Identity, Reading), Problem> {
    let (rows, told) = Asked::start(scene, tables, false)?.read_rows(scene)?;
    let (identity, reading) = told.answer(scene, &mut |_| Ok(()))?;
    Ok((rows, identity, reading))
}

/// Starts to read new tables, whose objects are told as they come, and reads the rows of the others meanwhile.
pub fn start_reading(scene: &Scene, tables: Vec<&'static str>) -> Result<(Rows, Told), Problem> {
    Asked::start(scene, tables, true)?.read_rows(scene)
}

/// Reads the rows that have changed and what they refer to, where that is enough to plan by.
pub fn read_changed_rows(scene: &Scene) -> Result<Option<Rows>, Problem> {
    let snapshot = Snapshot::next();
    // What a run that was cut off has left must be looked for.
    if !intents(store::unresolved()?, tables::kind_of).is_empty() {
        return Ok(None);
    }
    around::read(scene, Notes::read(&snapshot)?, &snapshot)
}

/// Reads AWS: first who we are, which must be whom the tables belong to, then the tables.
pub fn read_cloud(
    scene: &Scene,
    tables: Vec<&'static str>,
    rows: &Rows,
) -> Result<(Identity, Reading), Problem> {
    let asked = Asked::start(scene, tables, false)?;
    asked.remember(scene, rows).answer(scene, &mut |_| Ok(()))
}

/// A reading of AWS that goes on, and that waits to hear what is remembered.
struct Asked {
    told: Told,
    memory: oneshot::Sender<Memory>,
}

/// A reading of AWS that has heard what is remembered.
pub struct Told(Call<Result<(Identity, Reading), AwsError>>);

impl Asked {
    fn start(scene: &Scene, tables: Vec<&'static str>, piecemeal: bool) -> Result<Asked, Problem> {
        let settings = scene.settings.clone();
        let bound = scene.binding.clone();
        let request = Request {
            tables,
            regions: scene.regions.clone(),
            piecemeal,
        };
        let (memory, remembered) = oneshot::channel();
        let memory_of_rows = async {
            match remembered.await {
                Ok(memory) => memory,
                // The backend has failed to read the rows, and gives this call up.
                Err(_) => std::future::pending().await,
            }
        };
        let call = pump::start(OnInterrupt::Drop, move |sessions, line| {
            Box::pin(async move {
                let tell = Rc::new(move |news| line.say(Message::News(news)));
                let read = async {
                    let session = sessions.get(&settings).await;
                    let identity = session.identity().await?.clone();
                    let elsewhere =
                        bound.is_some_and(|bound| !is_bound_to(&bound, &settings, &identity));
                    let reading = match elsewhere {
                        true => Reading::default(),
                        false => {
                            iasql_aws::read::read(&session, request, memory_of_rows, tell).await?
                        }
                    };
                    Ok::<_, AwsError>((identity, reading))
                };
                let answer = read.await;
                if let Err(error) = &answer
                    && error.class == Class::Credentials
                {
                    sessions.forget(&settings);
                }
                answer
            })
        })?;
        Ok(Asked {
            told: Told(call),
            memory,
        })
    }

    /// Reads the rows and what was agreed on, of one moment.
    fn read_rows(self, scene: &Scene) -> Result<(Rows, Told), Problem> {
        let snapshot = Snapshot::next();
        let mut rows = read_agreed(&snapshot)?;
        let told = self.remember(scene, &rows);
        rows.desired = tables::read(&scene.tables, &snapshot)?;
        Ok((rows, told))
    }

    fn remember(self, scene: &Scene, rows: &Rows) -> Told {
        let memory = Memory {
            known: last_states(&rows.known, &rows.intents).collect(),
            made: made(&rows.intents).collect(),
            young: young(scene, rows),
            deleted: rows.deleted.clone(),
            lost: lost(scene, &rows.intents),
        };
        // The call may have ended without it.
        let _ = self.memory.send(memory);
        self.told
    }
}

impl Told {
    /// Waits for the end; `hear` hears what goes on meanwhile.
    pub fn answer(
        self,
        scene: &Scene,
        hear: &mut dyn FnMut(News) -> Result<(), Problem>,
    ) -> Result<(Identity, Reading), Problem> {
        let mut serve = |message| match message {
            Message::News(News::Quiet(quiet)) => {
                notice!("{quiet}");
                Ok(())
            }
            Message::News(news) => hear(news),
            Message::Progress(_) | Message::Journal(..) => Ok(()),
        };
        let (identity, reading) = self.0.answer(&mut serve)?.map_err(|error| Problem::Aws {
            doing: "cannot read AWS".to_owned(),
            error: Box::new(error),
        })?;
        check_account(scene, &identity)?;
        // What it took to read is the other thread's, and of no use to the plan.
        if !reading.objects.is_empty() {
            memory::give_back();
        }
        warn(&reading);
        Ok((identity, reading))
    }
}

/// What runs have made that were cut off or rolled back.
fn made(intents: &[Intent]) -> impl Iterator<Item = ObjectKey> + '_ {
    let created = intents
        .iter()
        .filter(|intent| intent.work == IntendedWork::Create);
    created.filter_map(|intent| {
        Some(ObjectKey {
            table: intent.key.table,
            region: intent.region.clone(),
            id: intent.cloud_id.clone()?,
        })
    })
}

/// What runs have just made that nothing but its id tells apart: taken for gone, it would be made once more. A plan that is
/// only looked at waits for nothing.
fn young(scene: &Scene, rows: &Rows) -> HashMap<ObjectKey, Duration> {
    if scene.lock != Lock::Write {
        return HashMap::new();
    }
    let is_nameless = |object: &ObjectKey| {
        let kind = tables::kind_of(object.table);
        kind.is_some_and(|kind| kind.repeat == Repeat::OwnerTag)
    };
    let made = store::made_lately(QUIET).into_iter();
    made.filter(|(object, _)| is_nameless(object) && !rows.deleted.contains(object))
        .map(|(object, age)| (object, QUIET.saturating_sub(age)))
        .collect()
}

/// What runs may have made that were cut off, to be waited for. A plan that is only looked at waits for nothing.
fn lost(scene: &Scene, intents: &[Intent]) -> Vec<Lost> {
    let lost = intents.iter().filter_map(|intent| {
        Some(Lost {
            table: intent.key.table,
            region: intent.region.clone(),
            owner_tag: intent.lost()?.to_owned(),
            quiet: QUIET.saturating_sub(intent.age),
        })
    });
    lost.filter(|_| scene.lock == Lock::Write).collect()
}

/// What objects were when they were last heard of, the last word last: as agreed on, and as runs have left them that
/// were rolled back. A list of AWS that lags behind shows by that.
fn last_states<'a>(
    known: &'a BTreeMap<RowKey, Known>,
    intents: &'a [Intent],
) -> impl Iterator<Item = (ObjectKey, Row)> + 'a {
    let agreed = known.iter().map(|(key, known)| {
        let (region, id) = (known.region.clone(), known.id.clone());
        (key.table, region, id, known.row.clone())
    });
    let left = intents.iter().filter_map(|intent| {
        let state = match intent.work {
            IntendedWork::Create => intent.finished.as_ref(),
            IntendedWork::Update => intent.finished.as_ref().or(intent.wanted.as_ref()),
            IntendedWork::Delete => None,
        };
        let id = intent.cloud_id.clone()?;
        Some((intent.key.table, intent.region.clone(), id, state?.clone()))
    });
    agreed
        .chain(left)
        .map(|(table, region, id, row)| (ObjectKey { table, region, id }, row))
}

fn is_bound_to(bound: &Binding, settings: &Settings, identity: &Identity) -> bool {
    bound.account_id == identity.account_id
        && bound.partition == identity.partition
        && bound.endpoint_url == settings.endpoint_url
}

fn check_account(scene: &Scene, identity: &Identity) -> Result<(), Problem> {
    let describe = |account: &str, partition: &str, endpoint: &Option<String>| {
        let endpoint = endpoint.as_deref().map(|url| format!(" at {url}"));
        format!("{account} ({partition}){}", endpoint.unwrap_or_default())
    };
    match &scene.binding {
        Some(bound) if !is_bound_to(bound, &scene.settings, identity) => {
            Err(Problem::OtherAccount {
                bound: describe(&bound.account_id, &bound.partition, &bound.endpoint_url),
                now: describe(
                    &identity.account_id,
                    &identity.partition,
                    &scene.settings.endpoint_url,
                ),
            })
        }
        _ => Ok(()),
    }
}

/// Says which tables could not be read, and which hold objects that a row cannot say.
fn warn(reading: &Reading) {
    for unread in &reading.unread {
        crate::report::unread(unread).report(PgLogLevel::WARNING);
    }
    let mut unsaid: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for object in &reading.unsaid {
        let line = format!("{} ({})", object.object.id, object.why);
        unsaid.entry(object.object.table).or_default().push(line);
    }
    for (table, objects) in unsaid {
        warning!(
            "{}: {} that no row can say, left unmanaged: {}",
            table,
            match objects.len() {
                1 => "1 object".to_owned(),
                count => format!("{count} objects"),
            },
            objects.join(", ")
        );
    }
}

/// The world, of which `read` was read.
pub fn world<'a>(
    scene: &'a Scene,
    rows: Rows,
    reading: Reading,
    read: &[&'static str],
) -> World<'a> {
    let mut unread: BTreeSet<(&'static str, Region)> = reading
        .unread
        .into_iter()
        .map(|unread| (unread.table, unread.region))
        .collect();
    // Rows of regions that are not in use, and of tables that were not read, are left as they are.
    let places = rows
        .desired
        .iter()
        .map(|row| (row.key.table, &row.region))
        .chain(
            rows.known
                .iter()
                .map(|(key, known)| (key.table, &known.region)),
        );
    for (table, region) in places {
        let kind = scene.catalog.kind(table);
        let regional = kind.is_some_and(|kind| kind.scope == Scope::Regional);
        if !read.contains(&table) || regional && !scene.regions.contains(region) {
            unread.insert((table, region.clone()));
        }
    }
    World {
        catalog: &scene.catalog,
        desired: rows.desired,
        known: rows.known,
        actual: reading.objects,
        unread,
        unsaid: reading
            .unsaid
            .into_iter()
            .map(|unsaid| unsaid.object)
            .collect(),
        intents: rows.intents,
    }
}

/// Refuses in a transaction that cannot write.
pub fn must_write(function: &'static str) -> Result<(), Problem> {
    // SAFETY: plain reads of the backend's state on its Postgres thread.
    let read_only = unsafe { pgrx::pg_sys::XactReadOnly || pgrx::pg_sys::RecoveryInProgress() };
    match read_only {
        true => Err(Problem::ReadOnly { function }),
        false => Ok(()),
    }
}

/// A new run's id.
pub fn run_id() -> String {
    sql::value("SELECT pg_catalog.gen_random_uuid()", &[]).unwrap_or_default()
}
