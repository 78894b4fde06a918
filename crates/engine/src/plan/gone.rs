//! What is to be done for rows that are gone, and for what earlier runs left behind.

use super::decide::Planner;
use super::graph::for_each_reference;
use super::{Action, Because, News, Notice, Place, Refusal, Step, Why, Work};
use crate::kind::Kind;
use crate::object::{Known, Object, Owner};
use crate::row::{CloudId, ObjectKey, Region, RowKey};
use crate::value::Ref;
use std::collections::{BTreeSet, HashMap, HashSet};

impl<'w> Planner<'w> {
    /// The objects of deleted rows that can go.
    pub(super) fn deleted_objects(&self) -> HashSet<(Region, CloudId)> {
        let known = self.world.known.iter();
        known
            .filter(|(key, known)| {
                let place = (key.table, known.region.clone());
                !self.living.contains(key)
                    && !known.account_owned
                    && !self.world.unread.contains(&place)
            })
            .map(|(_, known)| (known.region.clone(), known.id.clone()))
            .collect()
    }

    /// Rows that were agreed on and are gone: their objects are deleted, unless they belong to the account or go with
    /// another. A whole is decided before what belongs to it.
    pub(super) fn deleted_rows(&mut self) {
        let known = self.world.known.iter();
        let mut deleted: Vec<(RowKey, &'w Known)> = known
            .filter(|(key, _)| !self.living.contains(key) && !self.taken_over.contains(key))
            .map(|(key, known)| (*key, known))
            .collect();
        deleted.sort_by_key(|(key, _)| (self.world.catalog.position(key.table), *key));
        for (key, known) in deleted {
            let Some(kind) = self.world.catalog.kind(key.table) else {
                continue;
            };
            if !self.is_unread(kind, &known.region) {
                self.deleted_row(kind, key, known);
            }
        }
    }

    fn deleted_row(&mut self, kind: &'static Kind, key: RowKey, known: &'w Known) {
        let object_key = known.object_key(kind.table);
        let object = match self.object_of(key, known) {
            Some(object) => object.clone(),
            None if self.world.unsaid.contains(&object_key) => {
                Object::new(&known.region, known.id.clone(), known.row.clone())
            }
            None => return self.plan.effects.forget.push(key),
        };
        let name = known.row.name();
        if known.protected {
            self.plan.refusals.push(Refusal {
                key,
                name: name.clone(),
                why: Because::Protected(Action::Delete),
            });
        }
        let what = match &object.owner {
            Owner::User => match self.whole(&object) {
                Some(whole)
                    if self.goes_with_another(whole) && !self.holds_back(&object, whole) =>
                {
                    return self.plan.effects.forget.push(key);
                }
                Some(whole) if self.is_put_back(whole) && !self.holds_back(&object, whole) => {
                    Some(News::GoesWithAnother(whole.id.clone()))
                }
                _ => None,
            },
            Owner::Account => Some(News::AccountOwned),
            Owner::Object(_) if self.goes_with_another(&object) => {
                return self.plan.effects.forget.push(key);
            }
            Owner::Object(with) => Some(News::GoesWithAnother(with.clone())),
        };
        if let Some(what) = what {
            let place = Place::Object(object.id.clone());
            self.plan.bindings.place(key, place);
            self.plan.bindings.bind(object_key, key);
            self.leaving
                .remove(&(object.region.clone(), object.id.clone()));
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
            why: Why::RowDeleted,
            after: BTreeSet::new(),
            owned: BTreeSet::new(),
            kept: Vec::new(),
            made: known.made,
            protected: false,
            resolves: Vec::new(),
            shown: true,
        });
    }

    /// The object that this one belongs to. Their rows are deleted together.
    fn whole(&self, object: &Object) -> Option<&'w Object> {
        let column = object.kind().columns.iter().find(|column| column.belongs)?;
        let key = ObjectKey {
            table: column.reference?.table,
            region: object.region.clone(),
            id: object.row.object(column.name)?.clone(),
        };
        let position = self.objects.by_id(&key)?;
        Some(&self.world.actual[position])
    }

    /// Whether the object refers to one that is deleted, and that would wait for it. What goes along with the same as the
    /// whole does not.
    fn holds_back(&self, object: &Object, whole: &Object) -> bool {
        let goes_with = whole.goes_with();
        let mut refers = false;
        for_each_reference(&object.row, &mut |table, reference| {
            if let Ref::Object(id) = reference {
                let (region, id) = (object.region.clone(), id.clone());
                let leaves = self.leaving.contains(&(region.clone(), id.clone()));
                let target = self.objects.by_id(&ObjectKey { table, region, id });
                let target = target.and_then(|at| self.world.actual[at].goes_with());
                refers |= leaves && (target.is_none() || target != goes_with);
            }
        });
        refers
    }

    fn is_put_back(&self, object: &Object) -> bool {
        let mut put_back = self.plan.effects.restore.iter();
        put_back.any(|(_, other)| other.key() == object.key())
    }

    /// Says which objects an earlier run made that no row stands for, because the row was rolled back.
    pub(super) fn rolled_back_rows(&mut self) {
        let deleted: HashSet<_> = self
            .plan
            .steps
            .iter()
            .filter(|step| step.work == Work::Delete)
            .filter_map(|step| Some(step.object.as_ref()?.key()))
            .collect();
        let mut orphans = HashSet::new();
        for (at, intent) in self.journaled.made() {
            let object = &self.world.actual[at];
            let key = object.key();
            if self.plan.bindings.row_of(&key).is_none() && !deleted.contains(&key) {
                self.plan.notices.push(Notice {
                    key: intent.key,
                    name: object.row.name(),
                    what: News::RolledBack(object.id.clone()),
                });
                orphans.insert(at);
            }
        }
        self.resolve_intents(&orphans);
    }

    /// What was read and is no orphan leaves no question: once the row's steps are done, or at once where there are none.
    fn resolve_intents(&mut self, orphans: &HashSet<usize>) {
        let mut steps: HashMap<RowKey, Vec<usize>> = HashMap::new();
        for (position, step) in self.plan.steps.iter().enumerate() {
            steps.entry(step.key).or_default().push(position);
        }
        for (intent, made) in self.journaled.intents() {
            let place = (intent.key.table, intent.region.clone());
            let is_orphan = made.is_some_and(|at| orphans.contains(&at));
            if self.world.unread.contains(&place) || is_orphan {
                continue;
            }
            let row = made.and_then(|at| {
                let object = self.world.actual[at].key();
                self.plan.bindings.row_of(&object)
            });
            let rows: BTreeSet<RowKey> = [Some(intent.key), row].into_iter().flatten().collect();
            let mut waits = rows
                .iter()
                .filter_map(|row| steps.get(row))
                .flatten()
                .peekable();
            let resolved = (intent.run.clone(), intent.step);
            if waits.peek().is_none() {
                self.plan.effects.resolved.push(resolved.clone());
            }
            for position in waits {
                self.plan.steps[*position].resolves.push(resolved.clone());
            }
        }
    }

    pub(super) fn count_deletes(&mut self) {
        let Some(allowed) = self.rules.max_deletes else {
            return;
        };
        let steps = self.plan.steps.iter();
        let deletes: Vec<(RowKey, String)> = steps
            .filter(|step| step.work == Work::Delete)
            .map(|step| (step.key, step.name()))
            .collect();
        let Some((key, name)) = deletes.first().cloned() else {
            return;
        };
        if deletes.len() > allowed as usize {
            let why = Because::TooManyDeletes { deletes, allowed };
            self.plan.refusals.push(Refusal { key, name, why });
        }
    }
}
