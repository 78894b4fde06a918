//! Objects by their keys, and rows by the objects that were agreed on for them.
//!
//! Keys are looked at where they are. A map with keys of its own takes ten times the memory, and what does not fit the
//! processor's caches takes most of the time of a plan over a large account.

use crate::object::{Known, Object};
use crate::row::{CloudId, ObjectKey, Region, RowKey};
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// The parts of an [`ObjectKey`], where they are.
type Key<'a> = (&'static str, &'a Region, &'a CloudId);

/// Positions in a list, by the keys of what is there. Of two with one key the last counts.
struct Positions(HashTable<u32>);

impl Positions {
    fn new<'a>(count: usize, key: impl Fn(usize) -> Key<'a>) -> Positions {
        let key = |position: u32| key(position as usize);
        let mut table = HashTable::with_capacity(count);
        for position in (0..).take(count) {
            let hash = hash_of(key(position).2);
            match table.find_mut(hash, |other| key(*other) == key(position)) {
                Some(other) => *other = position,
                None => {
                    table.insert_unique(hash, position, |other| hash_of(key(*other).2));
                }
            }
        }
        Positions(table)
    }

    fn find<'a>(&self, wanted: &ObjectKey, key: impl Fn(usize) -> Key<'a>) -> Option<usize> {
        let wanted = (wanted.table, &wanted.region, &wanted.id);
        let is_wanted = |position: &u32| key(*position as usize) == wanted;
        let found = self.0.find(hash_of(wanted.2), is_wanted);
        found.map(|position| *position as usize)
    }
}

/// The id alone tells nearly all objects apart.
fn hash_of(id: &CloudId) -> u64 {
    FxBuildHasher.hash_one(id.as_str())
}

/// The objects of a list, by their keys.
pub(super) struct ObjectPositions<'w> {
    objects: &'w [Object],
    positions: Positions,
}

impl<'w> ObjectPositions<'w> {
    pub(super) fn new(objects: &'w [Object]) -> ObjectPositions<'w> {
        ObjectPositions {
            objects,
            positions: Positions::new(objects.len(), |position| key_of_object(&objects[position])),
        }
    }

    pub(super) fn find(&self, object: &ObjectKey) -> Option<usize> {
        let key = |position: usize| key_of_object(&self.objects[position]);
        self.positions.find(object, key)
    }
}

fn key_of_object(object: &Object) -> Key<'_> {
    (object.kind().table, &object.region, &object.id)
}

/// The row that was agreed on for each object.
pub(crate) struct KnownRows<'w> {
    agreements: Vec<(&'w RowKey, &'w Known)>,
    positions: Positions,
}

impl<'w> KnownRows<'w> {
    pub(crate) fn new(agreements: impl Iterator<Item = (&'w RowKey, &'w Known)>) -> KnownRows<'w> {
        let agreements: Vec<_> = agreements.collect();
        KnownRows {
            positions: Positions::new(agreements.len(), |position| {
                key_of_agreement(agreements[position])
            }),
            agreements,
        }
    }

    /// The row that stands for the object.
    pub(crate) fn row_of(&self, object: &ObjectKey) -> Option<RowKey> {
        let key = |position: usize| key_of_agreement(self.agreements[position]);
        let position = self.positions.find(object, key)?;
        Some(*self.agreements[position].0)
    }

    /// Whether a row stands for the object.
    pub(crate) fn contains(&self, object: &ObjectKey) -> bool {
        self.row_of(object).is_some()
    }
}

fn key_of_agreement<'w>((row, known): (&'w RowKey, &'w Known)) -> Key<'w> {
    (row.table, &known.region, &known.id)
}
