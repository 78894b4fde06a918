//! What becomes of the objects that AWS makes along with ours.

use super::executor::resolved;
use super::{Companion, Executor, Unmatched};
use crate::kind::Change;
use crate::object::Object;
use crate::plan::{Work, compare_new, natural_key};
use crate::row::{CloudId, RowKey};
use std::collections::HashMap;

/// What becomes of companions.
#[derive(Default)]
pub(super) struct Matched {
    /// They belong to these steps, which have not begun.
    pub(super) expected: Vec<(usize, Object)>,
    /// They get rows of their own.
    pub(super) imported: Vec<Object>,
    /// They are deleted.
    pub(super) discarded: Vec<Object>,
}

/// How a step's row compares with a companion.
enum Likeness {
    /// The row describes it.
    Same,
    /// Both are of one name, and the companion cannot become what the row wants.
    NameOnly,
    Other,
}

impl<E: Clone + std::fmt::Display> Executor<E> {
    /// Finds the rows that stand for what came along with the step's object. Only steps that wait for it can have
    /// them; those that wait for a companion's row come into question with it.
    pub(super) fn match_companions(&self, step: usize, mut companions: Vec<Companion>) -> Matched {
        let mut matched = Matched::default();
        let mut candidates = self.waiting_creates(step);
        companions.retain(|companion| {
            let planned = self.planned(&companion.object);
            candidates.extend(planned.into_iter().flat_map(|it| self.waiting_creates(it)));
            planned.is_none() && !self.is_bound(&companion.object)
        });
        candidates.sort_unstable();
        candidates.dedup();
        let mut made: HashMap<RowKey, CloudId> = HashMap::new();
        let object = self
            .running(step)
            .and_then(|running| running.object.as_ref());
        if let Some(object) = object {
            made.insert(self.steps()[step].key, object.id.clone());
        }
        while let Some((position, candidate)) =
            candidates.iter().enumerate().find_map(|(at, candidate)| {
                let is_same = |companion: &Companion| {
                    let likeness = self.likeness(*candidate, &companion.object, &made);
                    matches!(likeness, Likeness::Same)
                };
                let companion = companions.iter().position(is_same)?;
                Some((companion, at))
            })
        {
            let companion = companions.remove(position);
            let candidate = candidates.remove(candidate);
            made.insert(self.steps()[candidate].key, companion.object.id.clone());
            matched.expected.push((candidate, companion.object));
            candidates.extend(self.waiting_creates(candidate));
        }
        for Companion { object, unmatched } in companions {
            let has_namesake = candidates.iter().any(|candidate| {
                let likeness = self.likeness(*candidate, &object, &made);
                matches!(likeness, Likeness::NameOnly)
            });
            match unmatched {
                Unmatched::Discard => matched.discarded.push(object),
                // AWS refuses the namesake's create, which says more than two rows of one name would.
                Unmatched::Import if has_namesake => {}
                Unmatched::Import => matched.imported.push(object),
            }
        }
        matched
    }

    /// The steps that wait for this one and make an object.
    fn waiting_creates(&self, step: usize) -> Vec<usize> {
        let dependants = self.dependants(step).iter().copied();
        dependants
            .filter(|dependant| {
                self.steps()[*dependant].work == Work::Create
                    && self.is_waiting(*dependant)
                    && !self.is_expected(*dependant)
            })
            .collect()
    }

    fn likeness(&self, step: usize, object: &Object, made: &HashMap<RowKey, CloudId>) -> Likeness {
        let planned = &self.steps()[step];
        let row = planned
            .row
            .as_ref()
            .filter(|_| planned.kind == object.kind() && planned.region == object.region);
        let Some(row) = row else {
            return Likeness::Other;
        };
        let row = resolved(row.clone(), &|target| {
            made.get(target).or_else(|| self.made(target)).cloned()
        });
        let name = natural_key(&row);
        if name.is_none() || name != natural_key(&object.row) {
            return Likeness::Other;
        }
        let differences = compare_new(&row, &object.row);
        let mut changes = differences.iter().map(|difference| difference.change);
        match changes.any(|change| change == Change::Replace) {
            true => Likeness::NameOnly,
            false => Likeness::Same,
        }
    }
}
