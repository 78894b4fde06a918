//! Which object that exists already a row may stand for.

use super::bind::natural_key;
use super::decide::Planner;
use super::{Adopt, Because, Desired, Refusal, Work, compare_new};
use crate::kind::{Change, Kind};
use crate::object::{Known, Object};
use crate::row::RowKey;
use std::collections::HashMap;

/// An object that exists and that a row without an object describes.
pub(super) enum Claim<'w> {
    /// Nobody has agreed on it.
    Free {
        /// The object.
        object: &'w Object,
        /// Who made it.
        maker: Maker,
    },
    /// A row that is deleted stands for it.
    Inherited {
        /// The deleted row.
        from: RowKey,
        /// What was agreed on with it.
        known: &'w Known,
        /// The object.
        object: &'w Object,
    },
}

/// Who made an object that nobody has agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// We do not know.
    Unknown,
    /// An earlier run of ours, for another row.
    Us,
    /// An earlier run of ours, for this row.
    UsForThisRow,
}

impl<'w> Planner<'w> {
    /// The object that the row may stand for: made for it by an earlier run, else of its natural key, else made for
    /// a row that is gone and that wanted the same.
    pub(super) fn claim(
        &self,
        kind: &'static Kind,
        desired: &Desired,
    ) -> Result<Option<Claim<'w>>, Because> {
        if let Some(object) = self.made_for(desired.key).next() {
            let maker = Maker::UsForThisRow;
            return Ok(Some(Claim::Free { object, maker }));
        }
        let Some(name) = natural_key(&desired.row) else {
            let like = self.journaled.made_for_the_like_of(
                &desired.row,
                &desired.region,
                |position, intent| {
                    let object = &self.world.actual[position];
                    !self.living.contains(&intent.key) && self.is_free(object)
                },
            );
            return Ok(like.map(|position| Claim::Free {
                object: &self.world.actual[position],
                maker: Maker::Us,
            }));
        };
        self.claim_by_name(kind, desired, name)
    }

    /// The object of the row's natural key.
    pub(super) fn claim_by_name(
        &self,
        kind: &'static Kind,
        desired: &Desired,
        name: String,
    ) -> Result<Option<Claim<'w>>, Because> {
        let mut taken = None;
        for position in self.objects.by_key(kind.table, &desired.region, name) {
            let object = &self.world.actual[*position];
            let key = object.key();
            let holder = self.plan.bindings.row_of(&key);
            match holder.or_else(|| self.known_rows.row_of(&key)) {
                None => {
                    let maker = match self.journaled.is_ours(*position) {
                        true => Maker::Us,
                        false => Maker::Unknown,
                    };
                    return Ok(Some(Claim::Free { object, maker }));
                }
                Some(row) if row == desired.key => {}
                Some(row) if self.living.contains(&row) => {
                    if !self.gives_up_its_name(row, object) {
                        taken = Some((object, row));
                    }
                }
                Some(row) if self.taken_over.contains(&row) => {}
                Some(row) => {
                    let known = self.world.known.get(&row);
                    return Ok(known.map(|known| Claim::Inherited {
                        from: row,
                        known,
                        object,
                    }));
                }
            }
        }
        match taken {
            None => Ok(None),
            Some((object, other)) => Err(Because::TwoRows {
                object: object.id.clone(),
                other,
            }),
        }
    }

    /// Refuses all but the first of the rows whose objects would have one name.
    pub(super) fn refuse_names_wanted_twice(&mut self) {
        let mut wanted = HashMap::new();
        let mut refusals = Vec::new();
        for step in &self.plan.steps {
            let named = step.row.as_ref().filter(|_| step.work != Work::Bind);
            let Some((row, name)) = named.and_then(|row| Some((row, natural_key(row)?))) else {
                continue;
            };
            let other = *wanted
                .entry((step.kind.table, &step.region, name))
                .or_insert(step.key);
            if other != step.key {
                refusals.push(Refusal {
                    key: step.key,
                    name: row.name(),
                    why: Because::WantedTwice { other },
                });
            }
        }
        self.plan.refusals.extend(refusals);
    }

    /// Whether the row has been edited to stand for an object of another name.
    fn gives_up_its_name(&self, row: RowKey, object: &Object) -> bool {
        let known = self.world.known.get(&row);
        let wanted = self.wanted_names.get(&row);
        wanted.is_some_and(|wanted| {
            *wanted != natural_key(&object.row)
                && known.is_none_or(|known| *wanted != natural_key(&known.row))
        })
    }

    /// What earlier runs made for the row and no row stands for, the latest first.
    pub(super) fn made_for(&self, row: RowKey) -> impl Iterator<Item = &'w Object> {
        self.journaled
            .made_for(row)
            .map(|position| &self.world.actual[position])
            .filter(|object| self.is_free(object))
    }

    fn is_free(&self, object: &Object) -> bool {
        self.plan.bindings.row_of(&object.key()).is_none()
    }

    /// Whether the row may take an object that nobody has agreed on: what was made for it freely, else what is the
    /// same or may be overwritten. What was not made for it is never replaced to fit.
    pub(super) fn check_adoption(
        &self,
        desired: &Desired,
        object: &Object,
        maker: Maker,
    ) -> Result<(), Because> {
        let differences = compare_new(&desired.row, &object.row);
        let immutable = differences
            .iter()
            .any(|difference| difference.change == Change::Replace);
        let allowed = match maker {
            Maker::UsForThisRow => true,
            Maker::Us => !immutable,
            Maker::Unknown if self.rules.adopt == Adopt::Overwrite => !immutable,
            Maker::Unknown => differences.is_empty(),
        };
        match allowed {
            true => Ok(()),
            false => Err(Because::Differs {
                object: object.id.clone(),
                differences,
            }),
        }
    }
}
