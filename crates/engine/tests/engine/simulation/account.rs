//! A database and the cloud account that its tables are bound to.

use super::cloud::{Cloud, places};
use super::database::Database;
use super::driver::{Driver, Journal, Weather};
use super::seeds::tell;
use crate::kinds::catalog;
use iasql_engine::execute::Outcome;
use iasql_engine::journal::{Entry, Intent, QUIET, intents};
use iasql_engine::kind::Scope;
use iasql_engine::plan::{Plan, Rules, World, plan};
use iasql_engine::sync::{SyncPlan, plan_sync};
use iasql_engine::{Catalog, Object, ObjectKey, Region};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Why an apply did not go through. Its transaction is rolled back.
#[derive(Debug)]
pub enum Failure {
    Refused,
    Failed(Vec<String>),
    Crashed,
}

#[derive(Clone)]
pub struct Account {
    pub catalog: Catalog,
    pub cloud: Cloud,
    pub database: Database,
    pub journal: Journal,
    pub rules: Rules,
    /// Whether an apply of which steps failed is committed all the same.
    pub reports_errors: bool,
    /// Lists in a hundred that fail.
    pub unread: u32,
    pub rng: fastrand::Rng,
    runs: u32,
}

impl Account {
    pub fn new(seed: u64) -> Account {
        Account {
            catalog: catalog(),
            cloud: Cloud::new(seed),
            database: Database::default(),
            journal: Journal::new(),
            rules: Rules::default(),
            reports_errors: false,
            unread: 0,
            rng: fastrand::Rng::with_seed(seed),
            runs: 0,
        }
    }

    /// What the journal says and no committed transaction has resolved.
    fn intents(&self, tx: &Database) -> Vec<Intent> {
        let open = self.journal.iter().filter(|(_, entry)| {
            let step = (entry.run.clone(), entry.record.step);
            !tx.resolved.contains(&step)
        });
        let aged = open.map(|(time, entry)| Entry {
            age: Duration::from_millis(self.cloud.now - time),
            ..entry.clone()
        });
        intents(aged, |table| self.catalog.kind(table))
    }

    /// Reads the account. A list is no verdict: what should be there and is not listed, and what is listed and should
    /// be gone, is asked for itself; what may have been made and nothing but a tag tells is waited for.
    fn read(
        &mut self,
        tx: &Database,
        intents: &[Intent],
    ) -> (Vec<Object>, BTreeSet<(&'static str, Region)>) {
        let now = self.cloud.now;
        let mut objects: BTreeMap<ObjectKey, Object> = BTreeMap::new();
        let mut unread = BTreeSet::new();
        for kind in self.catalog.kinds() {
            for region in places(kind) {
                if self.rng.u32(0..100) < self.unread {
                    unread.insert((kind.table, region));
                    continue;
                }
                let mut listed = self.cloud.list(kind, &region);
                for intent in intents {
                    let is_here = intent.key.table == kind.table && intent.region == region;
                    let Some(tag) = intent.lost().filter(|_| is_here) else {
                        continue;
                    };
                    if !listed.iter().any(|it| it.owner_tag.as_deref() == Some(tag)) {
                        let until = now + (QUIET.saturating_sub(intent.age)).as_millis() as u64;
                        self.cloud.wait(until.max(self.cloud.now));
                        listed = self.cloud.list(kind, &region);
                    }
                }
                objects.extend(listed.into_iter().map(|object| (object.key(), object)));
            }
        }
        let journaled = self.journal.iter().filter_map(|(_, entry)| {
            let record = &entry.record;
            Some(ObjectKey {
                table: self.catalog.kind(&record.table_name)?.table,
                region: record.region.clone(),
                id: record.cloud_id.clone()?,
            })
        });
        let suspects: BTreeSet<ObjectKey> = tx.objects().into_iter().chain(journaled).collect();
        for suspect in suspects {
            if unread.contains(&(suspect.table, suspect.region.clone())) {
                continue;
            }
            match self.cloud.describe(&suspect) {
                Some(object) => drop(objects.insert(suspect, object.clone())),
                None => drop(objects.remove(&suspect)),
            }
        }
        (objects.into_values().collect(), unread)
    }

    pub fn world(&mut self, tx: &Database) -> World<'_> {
        let intents = self.intents(tx);
        let (actual, unread) = self.read(tx, &intents);
        World {
            catalog: &self.catalog,
            desired: tx.desired(),
            known: tx.known.clone(),
            actual,
            unread,
            unsaid: BTreeSet::new(),
            intents,
        }
    }

    pub fn plan(&mut self, tx: &Database) -> Plan {
        let rules = self.rules;
        plan(self.world(tx), &rules)
    }

    pub fn plan_sync(&mut self, tx: &Database) -> SyncPlan {
        plan_sync(self.world(tx))
    }

    /// Applies in a transaction. Says how many steps there were.
    pub fn apply(&mut self, tx: &mut Database, weather: Weather) -> Result<usize, Failure> {
        let plan = self.plan(tx);
        for (position, step) in plan.steps.iter().enumerate() {
            let line = crate::scene::line(step);
            tell(|| {
                format!(
                    "plan: {position} {line} after {:?}: {:?}",
                    step.after, step.row
                )
            });
        }
        tell(|| format!("refused: {:?}", plan.refusals));
        if !plan.refusals.is_empty() {
            return Err(Failure::Refused);
        }
        check_order(&plan);
        let known = tx.objects();
        tx.write(&plan.effects);
        self.runs += 1;
        let count = plan.steps.len();
        let driver = Driver {
            cloud: &mut self.cloud,
            journal: &mut self.journal,
            run: self.runs.to_string(),
            weather,
            rng: &mut self.rng,
            known,
        };
        let outcomes = driver.run(plan.steps, plan.bindings).map_err(|_| {
            tell(|| "cut off".to_owned());
            Failure::Crashed
        })?;
        let mut failed = Vec::new();
        for (step, outcome) in outcomes.steps.iter().zip(&outcomes.outcomes) {
            if !matches!(outcome, Outcome::Done(_)) {
                failed.push(format!("{}: {outcome:?}", crate::scene::line(step)));
            }
        }
        if !failed.is_empty() && !self.reports_errors {
            return Err(Failure::Failed(failed));
        }
        tx.write(&outcomes.effects(&self.runs.to_string()));
        // What is referred to comes first.
        let mut imported = outcomes.imported;
        imported.sort_by_key(|object| self.catalog.position(object.kind().table));
        for object in &imported {
            tx.import(object);
        }
        Ok(count)
    }

    /// Applies what is committed, and commits.
    pub fn apply_and_commit(&mut self, weather: Weather) -> Result<usize, Failure> {
        let mut tx = self.database.clone();
        let steps = self.apply(&mut tx, weather)?;
        self.commit(tx);
        Ok(steps)
    }

    pub fn sync_and_commit(&mut self) {
        let mut tx = self.database.clone();
        let plan = self.plan_sync(&tx);
        tx.write_sync(&plan);
        self.commit(tx);
    }

    pub fn commit(&mut self, tx: Database) {
        if let Err(error) = tx.check(&self.catalog) {
            panic!("the tables refuse what was written: {error}");
        }
        self.database = tx;
    }

    /// Everything is said in lists by then, and soon from then on.
    pub fn settle(&mut self) {
        self.cloud.lag = 0;
        let late = self.cloud.late.iter().map(|(when, _)| *when).max();
        let until = late.unwrap_or_default().max(self.cloud.now) + QUIET.as_millis() as u64;
        self.cloud.wait(until);
    }

    /// Objects that we made and that no row stands for.
    pub fn orphans(&self) -> Vec<ObjectKey> {
        let known = self.database.objects();
        let ours = self.cloud.ours.iter();
        let there = ours.filter(|key| self.cloud.things.contains_key(*key));
        there.filter(|key| !known.contains(*key)).cloned().collect()
    }
}

/// Each step comes after those it waits for, and those are what it refers to.
fn check_order(plan: &Plan) {
    for (position, step) in plan.steps.iter().enumerate() {
        let early = step.after.iter().all(|before| *before < position);
        assert!(early, "step {position} comes before what it waits for");
        let global = step.kind.scope == Scope::Global;
        assert_eq!(global, step.region.as_str().is_empty());
    }
}
