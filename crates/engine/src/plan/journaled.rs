//! What earlier runs left behind, found again in the cloud.

use super::bind::{Objects, natural_key};
use crate::compare::{leaves_the_choice, same};
use crate::journal::{IntendedWork, Intent};
use crate::kind::Change;
use crate::object::{Known, Object};
use crate::row::{CloudId, ObjectKey, Region, Row, RowKey};
use crate::value::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The rows whose agreement is void, because an earlier run has deleted the object.
pub(crate) fn void_agreements(
    intents: &[Intent],
    known: &BTreeMap<RowKey, Known>,
) -> HashSet<RowKey> {
    let is_about_known = |intent: &&Intent| {
        known.get(&intent.key).is_some_and(|known| {
            known.region == intent.region && Some(&known.id) == intent.cloud_id.as_ref()
        })
    };
    intents
        .iter()
        .filter(|intent| intent.work == IntendedWork::Delete && intent.is_complete)
        .filter(is_about_known)
        .map(|intent| intent.key)
        .collect()
}

/// What earlier runs made and changed, by row and by object. Objects are positions in the world's list.
#[derive(Default)]
pub(crate) struct Journaled<'w> {
    /// The objects that were made and that no row stands for, each with the intent of its making.
    made: BTreeMap<usize, &'w Intent>,
    made_for: HashMap<RowKey, Vec<usize>>,
    /// What AWS made along with them.
    companions: HashSet<usize>,
    changed: HashMap<RowKey, Vec<&'w Intent>>,
    /// Every intent, with what it made.
    intents: Vec<(&'w Intent, Option<usize>)>,
}

impl<'w> Journaled<'w> {
    pub(crate) fn new(
        intents: &'w [Intent],
        actual: &[Object],
        objects: &Objects<'_>,
        is_known: impl Fn(&ObjectKey) -> bool,
    ) -> Journaled<'w> {
        let mut journaled = Journaled::default();
        for intent in intents {
            if intent.work != IntendedWork::Create {
                journaled
                    .changed
                    .entry(intent.key)
                    .or_default()
                    .push(intent);
                journaled.intents.push((intent, None));
                continue;
            }
            let found = made_by(intent, objects).filter(|at| !is_known(&actual[*at].key()));
            journaled.intents.push((intent, found));
            if let Some(at) = found {
                journaled.made.insert(at, intent);
                let made_for = journaled.made_for.entry(intent.key).or_default();
                made_for.retain(|other| *other != at);
                made_for.push(at);
            }
        }
        if !journaled.made.is_empty() {
            journaled.find_companions(actual, is_known);
        }
        journaled
    }

    /// What came along with what was made, and with that.
    fn find_companions(&mut self, actual: &[Object], is_known: impl Fn(&ObjectKey) -> bool) {
        let mut made: HashSet<(Region, CloudId)> = self
            .made
            .keys()
            .map(|at| (actual[*at].region.clone(), actual[*at].id.clone()))
            .collect();
        for came_with in [Object::goes_with, Object::belongs_to] {
            for (at, object) in actual.iter().enumerate() {
                let with = came_with(object).map(|with| (object.region.clone(), with.clone()));
                if with.is_some_and(|with| made.contains(&with)) && !is_known(&object.key()) {
                    made.insert((object.region.clone(), object.id.clone()));
                    self.companions.insert(at);
                }
            }
        }
    }

    /// Whether a run of ours made the object, or AWS did so for one.
    pub(crate) fn is_ours(&self, at: usize) -> bool {
        self.is_made(at) || self.companions.contains(&at)
    }

    /// Whether a run of ours made the object.
    pub(crate) fn is_made(&self, at: usize) -> bool {
        self.made.contains_key(&at)
    }

    /// Every intent, with the object that it made.
    pub(crate) fn intents(&self) -> impl Iterator<Item = (&'w Intent, Option<usize>)> + '_ {
        self.intents.iter().copied()
    }

    /// Whether an earlier run has pressed this button of the row: with its update, or by making the object.
    pub(crate) fn has_pressed(&self, row: RowKey, button: usize) -> bool {
        self.intents.iter().any(|(intent, made)| {
            let wanted = intent.wanted.as_ref().map(|wanted| wanted.at(button));
            intent.key == row
                && wanted == Some(&Value::Bool(true))
                && (intent.finished.is_some() || made.is_some())
        })
    }

    /// What was made for the row, the latest first.
    pub(crate) fn made_for(&self, row: RowKey) -> impl Iterator<Item = usize> + '_ {
        let made = self.made_for.get(&row).map_or(&[][..], Vec::as_slice);
        made.iter().rev().copied()
    }

    /// Everything that was made, with the intent of its making.
    pub(crate) fn made(&self) -> impl Iterator<Item = (usize, &'w Intent)> + '_ {
        self.made.iter().map(|(at, intent)| (*at, *intent))
    }

    /// An object without a natural key that was made for a row that is gone and wanted just what this one does.
    pub(crate) fn made_for_the_like_of(
        &self,
        row: &Row,
        region: &Region,
        is_free: impl Fn(usize, &Intent) -> bool,
    ) -> Option<usize> {
        self.made()
            .find(|(at, intent)| {
                let wanted = intent.wanted.as_ref();
                intent.key.table == row.kind().table
                    && intent.region == *region
                    && wanted.is_some_and(|wanted| wants_the_same(row, wanted))
                    && is_free(*at, intent)
            })
            .map(|(at, _)| at)
    }

    /// Whether earlier runs did something to the row's object that its last agreement does not show.
    pub(crate) fn has_changed(&self, row: RowKey) -> bool {
        self.changed.contains_key(&row)
    }

    /// The last agreement with what earlier runs have done since.
    pub(crate) fn catch_up(&self, row: RowKey, known: &mut Known, object: Option<&Object>) {
        for intent in self.changed.get(&row).into_iter().flatten() {
            match (intent.work, &intent.finished, &intent.wanted, object) {
                (IntendedWork::Delete, ..) => known.made = true,
                (_, Some(finished), ..) => take(known, finished, |_, _| true),
                // How far it got shows in what the object has by now.
                (_, None, Some(wanted), Some(object)) => take(known, wanted, |position, value| {
                    let column = &wanted.kind().columns[position];
                    column.change == Change::InPlace && same(column, value, object.row.at(position))
                }),
                _ => {}
            }
        }
    }
}

/// Takes the values over that count, and with them their columns as set by us.
fn take(known: &mut Known, values: &Row, counts: impl Fn(usize, &Value) -> bool) {
    for (position, column) in values.kind().columns.iter().enumerate() {
        let value = values.at(position);
        if same(column, value, known.row.at(position)) || !counts(position, value) {
            continue;
        }
        if column.change == Change::InPlace && !leaves_the_choice(column, value) {
            known.owned.insert(column.name.to_owned());
        }
        *known.row.at_mut(position) = value.clone();
    }
}

/// The object of a create: by its id, else by the owner tag, else by the natural key.
fn made_by(intent: &Intent, objects: &Objects<'_>) -> Option<usize> {
    if let Some(id) = &intent.cloud_id {
        return objects.by_id(&ObjectKey {
            table: intent.key.table,
            region: intent.region.clone(),
            id: id.clone(),
        });
    }
    if let Some(tag) = &intent.owner_tag {
        return objects.by_owner_tag(tag);
    }
    let name = natural_key(intent.wanted.as_ref()?)?;
    let found = objects.by_key(intent.key.table, &intent.region, name);
    found.first().copied()
}

/// Whether two rows want the same, column by column.
fn wants_the_same(a: &Row, b: &Row) -> bool {
    let columns = a.kind().columns.iter().enumerate();
    columns
        .filter(|(_, column)| matches!(column.change, Change::InPlace | Change::Replace))
        .all(|(position, column)| {
            let (a, b) = (a.at(position), b.at(position));
            same(column, a, b) || leaves_the_choice(column, a) && leaves_the_choice(column, b)
        })
}
