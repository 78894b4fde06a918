//! What is to be done for rows that are gone, and for what earlier runs left behind.

use super::decide::Planner;
use super::{Action, Because, News, Notice, Place, Refusal, Step, Why, Work};
use crate::kind::Kind;
use crate::object::{Known, Object, Owner};
use crate::row::{CloudId, ObjectKey, Region, RowKey};
use std::collections::{BTreeSet, HashSet};

impl<'w> Planner<'w> {
    /// The objects of deleted rows that can go.
    pub(super) fn deleted_objects(&self) -> HashSet<(Region, CloudId)> {
        let known = self.world.known.iter();
        known
            .filter(|(key, known)| !self.living.contains(key) && !known.account_owned)
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
            Owner::User => match self.whole(&object) {
                Some(whole) if self.goes_with_another(whole) => {
                    return self.plan.effects.forget.push(key);
                }
                Some(whole) if self.is_put_back(whole) => {
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

    fn is_put_back(&self, object: &Object) -> bool {
        let mut put_back = self.plan.effects.restore.iter();
        put_back.any(|(_, other)| other.key() == object.key())
    }

    /// Says which objects an earlier run made that no row stands for, because the row was rolled back. Every other
    /// intent is resolved by this plan.
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
        let unread = &self.world.unread;
        for (intent, made) in self.journaled.intents() {
            let is_unread = unread.contains(&(intent.key.table, intent.region.clone()));
            if !is_unread && !made.is_some_and(|at| orphans.contains(&at)) {
                let step = (intent.run.clone(), intent.step);
                self.plan.effects.resolved.push(step);
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
