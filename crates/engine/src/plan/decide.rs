//! Decides, row by row, what is to be done.
//!
//! Kinds are taken in the catalogue's order, so that when a row is decided the rows it refers to are: a reference
//! leads to an object that stays, or to a row whose object is still to be made.

use super::bind::{Names, Objects, Place, natural_key, resolve};
use super::three_way::{Comparison, compare, compare_new};
use super::{
    Action, Adopt, Because, Cause, Desired, News, Notice, OnDrift, Plan, Refusal, Rules, Step, Why,
    Work, World, WriteBack, difference, graph, settle,
};
use crate::compare::same;
use crate::journal::{IntendedWork, Intent};
use crate::kind::{Change, Kind, Replace};
use crate::object::{Known, Object, Owner};
use crate::row::{CloudId, ObjectKey, Region, Row, RowKey};
use crate::value::{Ref, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(crate) fn decide(mut world: World<'_>, rules: &Rules) -> Plan {
    let rows = std::mem::take(&mut world.desired);
    let mut planner = Planner::new(&world, rules, &rows);
    let mut by_table: HashMap<&'static str, Vec<Desired>> = HashMap::new();
    for row in rows {
        by_table.entry(row.key.table).or_default().push(row);
    }
    for kind in world.catalog.kinds() {
        let mut rows = by_table.remove(kind.table).unwrap_or_default();
        rows.sort_by_key(|row| row.key);
        for row in rows {
            planner.row(kind, row);
        }
    }
    planner.deleted_rows();
    planner.rolled_back_rows();
    planner.count_deletes();
    let mut plan = planner.plan;
    graph::connect(&mut plan, &world);
    plan
}

struct Planner<'w> {
    world: &'w World<'w>,
    rules: &'w Rules,
    names: Names,
    objects: Objects,
    living: HashSet<RowKey>,
    /// The row that was agreed on for each object.
    known_rows: HashMap<ObjectKey, RowKey>,
    /// What earlier runs were to do for a row; the last one of each kind.
    intents: BTreeMap<(RowKey, IntendedWork), &'w Intent>,
    /// Deleted rows whose object another row has taken over.
    taken_over: BTreeSet<RowKey>,
    plan: Plan,
}

/// What a row without a last agreement meets in the cloud.
enum Met<'w> {
    /// Nothing.
    Nothing,
    /// Something that exists, and whether we made it.
    Object { object: &'w Object, ours: bool },
    /// The object of a row that was deleted in favour of this one.
    Inherited { known: Known, object: &'w Object },
}

impl<'w> Planner<'w> {
    fn new(world: &'w World<'w>, rules: &'w Rules, rows: &[Desired]) -> Planner<'w> {
        let known_rows = world.known.iter().map(|(key, known)| {
            let object = ObjectKey {
                table: key.table,
                region: known.region.clone(),
                id: known.id.clone(),
            };
            (object, *key)
        });
        Planner {
            world,
            rules,
            names: Names::new(world.catalog, rows),
            objects: Objects::new(&world.actual),
            living: rows.iter().map(|row| row.key).collect(),
            known_rows: known_rows.collect(),
            intents: world
                .intents
                .iter()
                .map(|intent| ((intent.key, intent.work), intent))
                .collect(),
            taken_over: BTreeSet::new(),
            plan: Plan::default(),
        }
    }

    fn row(&mut self, kind: &'static Kind, mut desired: Desired) {
        let known = self.agreed(&desired);
        if self.is_unread(kind, &desired.region)
            || known
                .as_ref()
                .is_some_and(|known| self.is_unread(kind, &known.region))
        {
            if let Some(known) = known {
                self.stands_for(&desired, &known.region, known.id.clone());
            }
            return;
        }
        let resolved = resolve(
            &mut desired.row,
            &desired.region,
            self.world.catalog,
            &self.names,
            &self.plan.bindings,
        );
        if let Err(because) = resolved {
            // A reference to a row that was itself left alone or refused says nothing new.
            if !self.leads_to_unplanned(&because, &desired.region) {
                self.refuse(&desired, because);
            }
            return;
        }
        match known {
            Some(known) => self.known_row(kind, desired, known),
            None => self.new_row(kind, desired),
        }
    }

    fn intent(&self, key: RowKey, work: IntendedWork) -> Option<&'w Intent> {
        self.intents.get(&(key, work)).copied()
    }

    /// What was last agreed on. An object that we deleted ourselves, in a run that was rolled back, is ours to make
    /// again.
    fn agreed(&self, desired: &Desired) -> Option<Known> {
        let known = self.world.known.get(&desired.key)?;
        let deleted = self.intent(desired.key, IntendedWork::Delete).is_some();
        Some(Known {
            made: known.made || deleted,
            ..known.clone()
        })
    }

    fn is_unread(&self, kind: &Kind, region: &Region) -> bool {
        self.world.unread.contains(&(kind.table, region.clone()))
    }

    fn leads_to_unplanned(&self, because: &Because, region: &Region) -> bool {
        let Because::Dangling { table, value, .. } = because else {
            return false;
        };
        let unread = self.world.unread.iter().any(|(unread, place)| {
            unread == table && (place == region || place.as_str().is_empty())
        });
        let id = match value {
            Json::Number(id) => id.as_i64(),
            _ => None,
        };
        let refused = id.is_some_and(|id| self.living.contains(&RowKey { table, id }));
        unread || refused || !self.plan.refusals.is_empty()
    }

    fn known_row(&mut self, kind: &'static Kind, desired: Desired, known: Known) {
        let key = ObjectKey {
            table: kind.table,
            region: known.region.clone(),
            id: known.id.clone(),
        };
        match self.objects.by_id(&key) {
            Some(position) => {
                let object = &self.world.actual[position];
                self.changed_row(kind, desired, known, object, Why::Changed);
            }
            None if self.world.unsaid.contains(&key) => self.unsaid_row(desired, &known),
            None if known.made => {
                self.notice(&desired, News::GoneAndMadeAgain);
                self.create(kind, desired, Why::Gone);
            }
            None => {
                self.notice(&desired, News::GoneAndLeft);
                self.stands_for(&desired, &known.region, known.id);
            }
        }
    }

    fn unsaid_row(&mut self, desired: Desired, known: &Known) {
        let edits = compare(&desired.row, known, &known.row, OnDrift::Keep);
        if edits.changes.is_empty() {
            self.notice(&desired, News::Unsaid);
            self.stands_for(&desired, &known.region, known.id.clone());
        } else {
            self.refuse(&desired, Because::Unsaid);
        }
    }

    fn new_row(&mut self, kind: &'static Kind, desired: Desired) {
        match self.meet(kind, &desired) {
            Err(because) => self.refuse(&desired, because),
            Ok(Met::Nothing) => self.create(kind, desired, Why::NewRow),
            Ok(Met::Inherited { known, object }) => {
                self.changed_row(kind, desired, known, object, Why::Exists);
            }
            Ok(Met::Object { object, ours }) => self.adopt(kind, desired, object, ours),
        }
    }

    /// What the row meets: by the journal, by the owner tag, by the natural key.
    fn meet(&mut self, kind: &'static Kind, desired: &Desired) -> Result<Met<'w>, Because> {
        let intent = self.intent(desired.key, IntendedWork::Create);
        let by_journal = intent.and_then(|intent| {
            let tagged = intent.owner_tag.as_deref();
            let named = intent.cloud_id.as_ref().and_then(|id| {
                self.objects.by_id(&ObjectKey {
                    table: kind.table,
                    region: desired.region.clone(),
                    id: id.clone(),
                })
            });
            named.or_else(|| tagged.and_then(|tag| self.objects.by_owner_tag(tag)))
        });
        let positions: Vec<usize> = match by_journal {
            Some(position) => vec![position],
            None => match natural_key(&desired.row) {
                Some(key) => self
                    .objects
                    .by_key(kind.table, &desired.region, key)
                    .to_vec(),
                None => Vec::new(),
            },
        };
        let Some(position) = positions.first().copied() else {
            return Ok(Met::Nothing);
        };
        let object = &self.world.actual[position];
        let key = object.key();
        let holder = self
            .plan
            .bindings
            .row_of(&key)
            .or_else(|| self.known_rows.get(&key).copied());
        match holder {
            Some(other) if other == desired.key => Ok(Met::Nothing),
            None => {
                let journaled = self
                    .world
                    .intents
                    .iter()
                    .any(|intent| intent.cloud_id.as_ref() == Some(&object.id));
                let ours = by_journal.is_some() || journaled || self.came_with_unfinished(object);
                Ok(Met::Object { object, ours })
            }
            Some(other) if self.living.contains(&other) => Err(Because::TwoRows {
                object: object.id.clone(),
                other,
            }),
            Some(other) => match self.world.known.get(&other) {
                Some(known) => {
                    self.taken_over.insert(other);
                    self.plan.effects.forget.push(other);
                    let known = known.clone();
                    Ok(Met::Inherited { known, object })
                }
                None => Ok(Met::Nothing),
            },
        }
    }

    /// Whether AWS made the object along with one of which our create was cut off: nobody else has had a hand in it.
    fn came_with_unfinished(&self, object: &Object) -> bool {
        let columns = object.kind().columns.iter().enumerate();
        columns
            .filter(|(_, column)| column.key && column.reference.is_some())
            .any(|(position, _)| {
                let Value::Ref(Ref::Object(parent)) = object.row.at(position) else {
                    return false;
                };
                self.plan.steps.iter().any(|step| {
                    step.work == Work::Finish
                        && step.object.as_ref().is_some_and(|made| made.id == *parent)
                })
            })
    }

    /// An object that exists already and that nobody has agreed on.
    fn adopt(&mut self, kind: &'static Kind, mut desired: Desired, object: &'w Object, ours: bool) {
        if merge_tags(&mut desired.row, &object.row) {
            self.plan.effects.write_back.push(WriteBack {
                key: desired.key,
                column: "tags",
                value: desired.row.get("tags").clone(),
            });
        }
        let differences = compare_new(&desired.row, &object.row);
        let immutable = differences
            .iter()
            .any(|difference| difference.change == Change::Replace);
        let allowed =
            differences.is_empty() || self.rules.adopt == Adopt::Overwrite || (ours && !immutable);
        if !allowed {
            let object = object.id.clone();
            return self.refuse(
                &desired,
                Because::Differs {
                    object,
                    differences,
                },
            );
        }
        let why = if ours { Why::Unfinished } else { Why::Exists };
        let intent = self.intent(desired.key, IntendedWork::Create);
        let known = Known {
            region: object.region.clone(),
            id: object.id.clone(),
            row: object.row.clone(),
            owned: set_columns(&desired.row),
            made: ours,
            protected: desired.protected,
            account_owned: object.owner == Owner::Account,
        };
        let unfinished = intent.is_some_and(|intent| intent.finished.is_none());
        if differences.is_empty() || unfinished {
            self.stands_for(&desired, &object.region, object.id.clone());
            let step = Step {
                work: if unfinished { Work::Finish } else { Work::Bind },
                object: Some(object.clone()),
                changes: differences,
                owned: known.owned,
                made: ours,
                ..self.step(Action::Adopt, kind, &desired, why)
            };
            self.plan.steps.push(step);
        } else {
            self.changed_row(kind, desired, known, object, why);
        }
    }

    fn changed_row(
        &mut self,
        kind: &'static Kind,
        mut desired: Desired,
        known: Known,
        object: &'w Object,
        why: Why,
    ) {
        let known = self.with_what_was_done(known, object);
        let mut comparison = compare(&desired.row, &known, &object.row, self.rules.on_drift);
        let moved = desired.region != known.region;
        if moved {
            comparison.changes.push(super::Difference {
                column: "region",
                change: Change::Replace,
                before: Json::from(known.region.as_str()),
                after: Json::from(desired.region.as_str()),
                cause: Cause::Row,
            });
        }
        if !comparison.refused.is_empty() {
            let because = Because::Drift(std::mem::take(&mut comparison.refused));
            return self.refuse(&desired, because);
        }
        self.tell(&desired, &mut comparison);
        if comparison.must_replace() {
            return self.replace(kind, desired, known, object, comparison);
        }
        self.stands_for(&desired, &object.region, object.id.clone());
        let agreed = agreement(&desired, &known, object, &comparison);
        if comparison.changes.is_empty() && why == Why::Changed {
            let write_back = settle::settle(desired.key, &desired.row, &object.row);
            self.plan.effects.write_back.extend(write_back);
            if agreed != known {
                self.plan.effects.agree.push((desired.key, agreed));
            }
            return;
        }
        let action = match why {
            Why::Changed => Action::Update,
            _ => Action::Adopt,
        };
        // A call that says more than what changes says what is there.
        let kept = comparison.kept.iter().map(|kept| {
            let column = kept.column;
            desired.row.set(column, object.row.get(column).clone());
            (column, known.row.get(column).clone())
        });
        let kept = kept.collect();
        let by_row = comparison
            .changes
            .iter()
            .filter(|change| change.cause != Cause::Drift && change.change != Change::Button);
        let mut owned = agreed.owned;
        owned.extend(by_row.map(|change| change.column.to_owned()));
        let step = Step {
            work: if comparison.changes.is_empty() {
                Work::Bind
            } else {
                Work::Update
            },
            object: Some(object.clone()),
            changes: comparison.changes,
            kept,
            owned,
            made: known.made,
            ..self.step(action, kind, &desired, why)
        };
        self.plan.steps.push(step);
    }

    /// What an update of an earlier run has done is known, although its transaction was rolled back.
    fn with_what_was_done(&self, mut known: Known, object: &Object) -> Known {
        let Some(key) = self.known_rows.get(&object.key()) else {
            return known;
        };
        let Some(intent) = self.intent(*key, IntendedWork::Update) else {
            return known;
        };
        let Some(done) = intent.finished.as_ref().or(intent.wanted.as_ref()) else {
            return known;
        };
        for (position, column) in object.kind().columns.iter().enumerate() {
            let actual = object.row.at(position);
            if same(column, done.at(position), actual) {
                *known.row.at_mut(position) = actual.clone();
            }
        }
        known
    }

    fn tell(&mut self, desired: &Desired, comparison: &mut Comparison) {
        let news = [
            (!comparison.kept.is_empty()).then(|| News::DriftKept(comparison.kept.clone())),
            (!comparison.put_back.is_empty())
                .then(|| News::PutBack(std::mem::take(&mut comparison.put_back))),
            (!comparison.choice_stays.is_empty())
                .then(|| News::ChoiceStays(std::mem::take(&mut comparison.choice_stays))),
        ];
        for what in news.into_iter().flatten() {
            self.notice(desired, what);
        }
    }

    fn create(&mut self, kind: &'static Kind, desired: Desired, why: Why) {
        let place = Place::ToBeMade {
            delete_first: false,
        };
        self.plan.bindings.place(desired.key, place);
        let changes = kind
            .columns
            .iter()
            .enumerate()
            .filter(|(position, column)| {
                column.change != Change::CloudFilled && !desired.row.at(*position).is_null()
            })
            .map(|(position, column)| {
                difference(column, &Value::Null, desired.row.at(position), Cause::Row)
            })
            .collect();
        let step = Step {
            changes,
            owned: set_columns(&desired.row),
            made: true,
            ..self.step(Action::Create, kind, &desired, why)
        };
        self.plan.steps.push(step);
    }

    fn replace(
        &mut self,
        kind: &'static Kind,
        desired: Desired,
        known: Known,
        object: &'w Object,
        comparison: Comparison,
    ) {
        if known.protected || desired.protected {
            return self.refuse(&desired, Because::Protected(Action::Replace));
        }
        if object.owner == Owner::Account {
            let columns = comparison.changes.iter().map(|change| change.column);
            return self.refuse(&desired, Because::AccountOwned(columns.collect()));
        }
        let successor = match self.successor(kind, &desired) {
            Ok(successor) => successor,
            Err(because) => return self.refuse(&desired, because),
        };
        let delete_first = successor.is_none() && self.deletes_first(kind, &desired, object);
        match successor {
            Some(successor) => {
                self.stands_for(&desired, &successor.region, successor.id.clone());
            }
            None => {
                let place = Place::ToBeMade { delete_first };
                self.plan.bindings.place(desired.key, place);
            }
        }
        let create = Step {
            work: match successor {
                Some(_) => Work::Finish,
                None => Work::Create,
            },
            object: Some(successor.unwrap_or(object).clone()),
            changes: comparison.changes,
            owned: set_columns(&desired.row),
            made: true,
            ..self.step(Action::Replace, kind, &desired, Why::Changed)
        };
        let delete = Step {
            work: Work::Delete,
            row: None,
            region: object.region.clone(),
            object: Some(object.clone()),
            shown: false,
            ..self.step(Action::Replace, kind, &desired, Why::Changed)
        };
        let create_position = self.plan.steps.len();
        self.plan.steps.push(create);
        if object.owner != Owner::User {
            // The old object goes with the one it belongs to.
            return;
        }
        self.plan.steps.push(delete);
        let (first, second) = if delete_first {
            (create_position + 1, create_position)
        } else {
            (create_position, create_position + 1)
        };
        self.plan.steps[second].after.insert(first);
    }

    /// The object that already is what a replacement would make: an earlier run that was cut off made it, or nothing
    /// differs.
    fn successor(
        &mut self,
        kind: &'static Kind,
        desired: &Desired,
    ) -> Result<Option<&'w Object>, Because> {
        let Met::Object { object, ours } = self.meet(kind, desired)? else {
            return Ok(None);
        };
        let differences = compare_new(&desired.row, &object.row);
        if ours || differences.is_empty() || self.rules.adopt == Adopt::Overwrite {
            return Ok(Some(object));
        }
        let object = object.id.clone();
        Err(Because::Differs {
            object,
            differences,
        })
    }

    /// Whether the old object goes first: where the kind says so, where AWS allows no second object of the name, and
    /// where the new object refers to one that comes only after the old one of its own is gone.
    fn deletes_first(&self, kind: &Kind, desired: &Desired, object: &Object) -> bool {
        let same_name = desired.region == object.region
            && natural_key(&desired.row).is_some_and(|key| Some(key) == natural_key(&object.row));
        kind.replace == Replace::DeleteFirst || same_name || self.waits_for_delete(&desired.row)
    }

    fn waits_for_delete(&self, row: &Row) -> bool {
        row.kind()
            .columns
            .iter()
            .enumerate()
            .any(|(position, _)| match row.at(position) {
                Value::Ref(Ref::Row(target)) => {
                    self.plan.bindings.place_of(target)
                        == Some(&Place::ToBeMade { delete_first: true })
                }
                Value::Parts(parts) => parts.iter().any(|part| self.waits_for_delete(part)),
                _ => false,
            })
    }

    /// Rows that were agreed on and are gone: their objects are deleted, unless they belong to the account or go with
    /// another.
    fn deleted_rows(&mut self) {
        let deleted: Vec<(RowKey, &Known)> = self
            .world
            .known
            .iter()
            .filter(|(key, _)| !self.living.contains(key) && !self.taken_over.contains(key))
            .map(|(key, known)| (*key, known))
            .collect();
        let mut ordered = deleted;
        ordered.sort_by_key(|(key, _)| (self.world.catalog.position(key.table), *key));
        let going: HashSet<(Region, CloudId)> = ordered
            .iter()
            .map(|(_, known)| (known.region.clone(), known.id.clone()))
            .collect();
        for (key, known) in ordered {
            let Some(kind) = self.world.catalog.kind(key.table) else {
                continue;
            };
            if !self.is_unread(kind, &known.region) {
                self.deleted_row(kind, key, known, &going);
            }
        }
    }

    fn deleted_row(
        &mut self,
        kind: &'static Kind,
        key: RowKey,
        known: &'w Known,
        going: &HashSet<(Region, CloudId)>,
    ) {
        let object_key = ObjectKey {
            table: kind.table,
            region: known.region.clone(),
            id: known.id.clone(),
        };
        let object = match self.objects.by_id(&object_key) {
            Some(position) => self.world.actual[position].clone(),
            None if self.world.unsaid.contains(&object_key) => {
                Object::new(&known.region, known.id.clone(), known.row.clone())
            }
            None => return self.plan.effects.forget.push(key),
        };
        let name = known.row.name();
        if known.protected {
            let why = Because::Protected(Action::Delete);
            return self.plan.refusals.push(Refusal { key, name, why });
        }
        let what = match &object.owner {
            Owner::User => None,
            Owner::Account => Some(News::AccountOwned),
            Owner::Object(with) if going.contains(&(object.region.clone(), with.clone())) => {
                return self.plan.effects.forget.push(key);
            }
            Owner::Object(with) => Some(News::GoesWithAnother(with.clone())),
        };
        if let Some(what) = what {
            self.plan
                .bindings
                .place(key, Place::Object(object.id.clone()));
            self.plan.bindings.bind(object_key, key);
            self.plan.notices.push(Notice { key, name, what });
            return self.plan.effects.restore.push((key, object));
        }
        self.plan.steps.push(Step {
            action: Action::Delete,
            work: Work::Delete,
            key,
            region: known.region.clone(),
            kind,
            row: None,
            object: Some(object),
            changes: Vec::new(),
            kept: Vec::new(),
            why: Why::RowDeleted,
            after: BTreeSet::new(),
            owned: BTreeSet::new(),
            made: known.made,
            protected: false,
            shown: true,
        });
    }

    /// Says which objects an earlier run made that no row stands for, because the row was rolled back. Every other
    /// intent is resolved by this plan.
    fn rolled_back_rows(&mut self) {
        for intent in &self.world.intents {
            let unread = self
                .world
                .unread
                .contains(&(intent.key.table, intent.region.clone()));
            match self.orphan(intent) {
                _ if unread => {}
                Some(object) => self.plan.notices.push(Notice {
                    key: intent.key,
                    name: object.row.name(),
                    what: News::RolledBack(object.id.clone()),
                }),
                None => {
                    let step = (intent.run.clone(), intent.step);
                    self.plan.effects.resolved.push(step);
                }
            }
        }
    }

    /// The object of a create that no row stands for.
    fn orphan(&self, intent: &Intent) -> Option<&'w Object> {
        if intent.work != IntendedWork::Create {
            return None;
        }
        let by_id = intent.cloud_id.as_ref().and_then(|id| {
            self.objects.by_id(&ObjectKey {
                table: intent.key.table,
                region: intent.region.clone(),
                id: id.clone(),
            })
        });
        let by_tag = || self.objects.by_owner_tag(intent.owner_tag.as_deref()?);
        let object = &self.world.actual[by_id.or_else(by_tag)?];
        let bound = self.plan.bindings.row_of(&object.key()).is_some()
            || self.known_rows.contains_key(&object.key());
        (!bound).then_some(object)
    }

    fn count_deletes(&mut self) {
        let Some(allowed) = self.rules.max_deletes else {
            return;
        };
        let deletes: Vec<&Step> = self
            .plan
            .steps
            .iter()
            .filter(|step| step.work == Work::Delete)
            .collect();
        if deletes.len() > allowed as usize {
            let first = deletes[0];
            self.plan.refusals.push(Refusal {
                key: first.key,
                name: first.name(),
                why: Because::TooManyDeletes {
                    deletes: deletes.len(),
                    allowed,
                },
            });
        }
    }

    fn step(&self, action: Action, kind: &'static Kind, desired: &Desired, why: Why) -> Step {
        Step {
            action,
            work: Work::Create,
            key: desired.key,
            region: desired.region.clone(),
            kind,
            row: Some(desired.row.clone()),
            object: None,
            changes: Vec::new(),
            kept: Vec::new(),
            why,
            after: BTreeSet::new(),
            owned: BTreeSet::new(),
            made: false,
            protected: desired.protected,
            shown: true,
        }
    }

    fn stands_for(&mut self, desired: &Desired, region: &Region, id: CloudId) {
        let bindings = &mut self.plan.bindings;
        bindings.place(desired.key, Place::Object(id.clone()));
        let object = ObjectKey {
            table: desired.key.table,
            region: region.clone(),
            id,
        };
        bindings.bind(object, desired.key);
    }

    fn notice(&mut self, desired: &Desired, what: News) {
        self.plan.notices.push(Notice {
            key: desired.key,
            name: desired.row.name(),
            what,
        });
    }

    fn refuse(&mut self, desired: &Desired, why: Because) {
        self.plan.refusals.push(Refusal {
            key: desired.key,
            name: desired.row.name(),
            why,
        });
    }
}

/// What is agreed on when the row's changes have been made: what the cloud holds, and the old agreement where
/// somebody else's change is kept.
fn agreement(desired: &Desired, known: &Known, object: &Object, comparison: &Comparison) -> Known {
    let mut row = object.row.clone();
    for kept in &comparison.kept {
        row.set(kept.column, known.row.get(kept.column).clone());
    }
    Known {
        region: object.region.clone(),
        id: object.id.clone(),
        row,
        owned: known.owned.clone(),
        made: known.made,
        protected: desired.protected,
        account_owned: object.owner == Owner::Account,
    }
}

/// The columns that the row sets.
fn set_columns(row: &Row) -> BTreeSet<String> {
    let columns = row.kind().columns.iter().enumerate();
    columns
        .filter(|(position, column)| {
            matches!(column.change, Change::InPlace | Change::Replace)
                && !crate::compare::leaves_the_choice(column, row.at(*position))
        })
        .map(|(_, column)| column.name.to_owned())
        .collect()
}

/// Tags that the object carries already stay; the row's win where both name one. Says whether the row got more.
fn merge_tags(row: &mut Row, object: &Row) -> bool {
    if row.kind().position("tags").is_none() {
        return false;
    }
    let mut merged = match object.json("tags") {
        Some(Json::Object(tags)) => tags.clone(),
        _ => return false,
    };
    if let Some(Json::Object(tags)) = row.json("tags") {
        merged.extend(tags.clone());
    }
    let merged = Value::Json(Json::Object(merged));
    let more = merged != *row.get("tags");
    row.set("tags", merged);
    more
}
