//! What becomes of each row, and which objects get one.

use super::write::Scribe;
use super::{RowChange, Syncer};
use crate::clear::with_targets;
use crate::compare::{leaves_the_choice, same};
use crate::kind::{Change, Kind};
use crate::object::Known;
use crate::plan::bind::resolve;
use crate::plan::{Action, Cause, Desired, Difference, Place, difference, natural_key};
use crate::row::{ObjectKey, RowKey};
use crate::value::Value;
use std::collections::{BTreeSet, HashSet};

/// What a row stands for.
enum Found {
    /// The object at this position of the world's list.
    Object(usize),
    /// An object that a row cannot say.
    Unsaid(ObjectKey),
    Nothing,
}

impl Syncer<'_> {
    /// Rows that must not go, whatever became of their objects: rows that are left as they are refer to them.
    pub(super) fn rows_that_stay(&self, desired: &[Desired]) -> HashSet<RowKey> {
        with_targets(self.world.catalog, &self.names, desired, |row| {
            self.is_unread(row.key.table, &row.region)
                || self.is_unread(row.key.table, self.place(row))
        })
    }

    /// Finds the object of each row of a kind, then compares.
    pub(super) fn rows(
        &mut self,
        kind: &'static Kind,
        rows: Vec<Desired>,
        deletes: &mut Vec<RowChange>,
    ) {
        let mut bound = Vec::new();
        for mut row in rows {
            let known = self.world.known.get(&row.key);
            if self.is_unread(kind.table, self.place(&row))
                || self.is_unread(kind.table, &row.region)
            {
                if let Some(known) = known {
                    self.bind(row.key, known.object_key(kind.table));
                }
                self.untouched.insert(row.key, row.row);
                continue;
            }
            let written = row.row.clone();
            // An edit that leads nowhere is undone like any other.
            let _ = resolve(
                &mut row.row,
                &row.region,
                self.world.catalog,
                &self.names,
                &self.bindings,
            );
            match self.object_of(kind, &row) {
                Found::Object(position) => {
                    self.bind(row.key, self.world.actual[position].key());
                    bound.push((row, position));
                }
                Found::Unsaid(key) => {
                    self.bind(row.key, key);
                    self.untouched.insert(row.key, written);
                }
                Found::Nothing => deletes.push(RowChange {
                    action: Action::Delete,
                    key: row.key,
                    region: row.region,
                    object: known.map(|known| known.id.clone()),
                    row: written,
                    columns: Vec::new(),
                    protected: row.protected,
                }),
            }
        }
        for (row, position) in bound {
            self.update(row, position);
        }
    }

    fn bind(&mut self, key: RowKey, object: ObjectKey) {
        self.bindings.place(key, Place::Object(object.id.clone()));
        self.bindings.bind(object, key);
    }

    /// The object that was agreed on; else what an earlier run made for the row; else a free one of its name.
    fn object_of(&self, kind: &'static Kind, row: &Desired) -> Found {
        if let Some(known) = self.known(row.key) {
            let key = known.object_key(kind.table);
            if let Some(position) = self.objects.by_id(&key) {
                return Found::Object(position);
            }
            if self.world.unsaid.contains(&key) {
                return Found::Unsaid(key);
            }
        }
        let is_free = |position: &usize| {
            let key = self.world.actual[*position].key();
            let held = self.known_rows.row_of(&key);
            let held = held.is_some_and(|other| other != row.key && self.living.contains(&other));
            !held && self.bindings.row_of(&key).is_none()
        };
        let made = self.journaled.made_for(row.key).find(is_free);
        let found = made.or_else(|| match natural_key(&row.row) {
            Some(name) => {
                let named = self.objects.by_key(kind.table, &row.region, name);
                named.iter().copied().find(is_free)
            }
            None => {
                let is_orphan = |position, intent: &crate::journal::Intent| {
                    !self.living.contains(&intent.key) && is_free(&position)
                };
                let journaled = &self.journaled;
                journaled.made_for_the_like_of(&row.row, &row.region, is_orphan)
            }
        });
        found.map_or(Found::Nothing, Found::Object)
    }

    fn update(&mut self, row: Desired, position: usize) {
        let object = &self.world.actual[position];
        let mut aligned = object.row.clone();
        if let Some(align) = row.row.kind().align {
            align(&mut aligned, &row.row);
        }
        let mut columns = Vec::new();
        let mut volatile = false;
        for (position, column) in row.row.kind().columns.iter().enumerate() {
            let held = row.row.at(position);
            let actual = self.said(column, object, aligned.at(position));
            let is_same = column.change == Change::Button && *held == Value::Bool(false)
                || same(column, held, &actual)
                || leaves_the_choice(column, held) && leaves_the_choice(column, &actual);
            if is_same {
                continue;
            }
            match column.volatile {
                true => volatile = true,
                false => columns.push(difference(column, held, &actual, Cause::Drift)),
            }
        }
        if row.region != object.region {
            columns.push(Difference {
                column: "region",
                change: Change::Replace,
                before: row.region.as_str().into(),
                after: object.region.as_str().into(),
                cause: Cause::Drift,
            });
        }
        self.agree_on(row.key, position, &columns, row.protected);
        let change = |columns| RowChange {
            action: Action::Update,
            key: row.key,
            region: object.region.clone(),
            object: Some(object.id.clone()),
            row: self.written(&aligned, object),
            columns,
            protected: row.protected,
        };
        let refreshed = volatile.then(|| change(Vec::new()));
        let changed = (!columns.is_empty()).then(|| change(columns));
        self.plan.refreshed.extend(refreshed);
        self.plan.changes.extend(changed);
    }

    /// Gives a row to an object that none stands for.
    pub(super) fn import(&mut self, kind: &'static Kind, position: usize) {
        let object = &self.world.actual[position];
        let object_key = object.key();
        if self.bindings.row_of(&object_key).is_some() {
            return;
        }
        let Some(row) = self.new_row(object) else {
            return;
        };
        // A row that was deleted and not applied comes back under its own id.
        let deleted = self.known_rows.row_of(&object_key);
        let deleted = deleted.filter(|key| !self.living.contains(key));
        let key = deleted.unwrap_or_else(|| {
            self.new_rows -= 1;
            RowKey {
                table: kind.table,
                id: self.new_rows,
            }
        });
        self.bind(key, object_key);
        let known = self.world.known.get(&key);
        let protected = known.is_some_and(|known| known.protected);
        self.agree_on(key, position, &[], protected);
        self.plan
            .changes
            .push(RowChange::new(key, object, row, protected));
    }

    fn agree_on(&mut self, key: RowKey, position: usize, undone: &[Difference], protected: bool) {
        let object = &self.world.actual[position];
        let before = self.world.known.get(&key);
        let same_object = self
            .known(key)
            .filter(|known| known.object_key(key.table) == object.key());
        let mut owned: BTreeSet<String> =
            same_object.map_or_else(BTreeSet::new, |known| known.owned.clone());
        for column in undone {
            owned.remove(column.column);
        }
        let known = Known {
            owned,
            made: match same_object {
                Some(known) => known.made,
                None => self.journaled.is_ours(position),
            },
            protected,
            ..Known::found(object)
        };
        // What earlier runs did to the object is settled by saying so, even where nothing else changes.
        if before != Some(&known) || self.journaled.has_changed(key) {
            self.plan.agree.push((key, known));
        }
    }

    pub(super) fn forget_if_gone(&mut self, key: RowKey) {
        let Some(known) = self.world.known.get(&key) else {
            return;
        };
        let stays = self.bindings.place_of(&key).is_some()
            || self.is_unread(key.table, &known.region)
            || self.world.catalog.kind(key.table).is_none();
        if !stays {
            self.plan.forget.push(key);
        }
    }
}
