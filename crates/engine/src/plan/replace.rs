//! What is to be done for a row whose object cannot become what it wants.

use super::bind::{exclude_each_other, natural_key};
use super::change::{set_columns, step, why};
use super::claim::{Claim, Maker};
use super::decide::Planner;
use super::three_way::{Comparison, compare_new};
use super::{Action, Because, Cause, Desired, Place, Step, Why, Work};
use crate::kind::{Change, Kind, Replace};
use crate::object::{Object, Owner};
use crate::row::Row;
use crate::value::{Ref, Value};
use std::collections::BTreeSet;

/// What may be there already in place of the new object.
enum Successor<'w> {
    Nothing,
    /// An object that can become what the row wants.
    Found(&'w Object, Maker),
    /// An object that an earlier run made for the row, of the name that the new one needs and beyond repair.
    InTheWay(&'w Object),
}

impl<'w> Planner<'w> {
    /// The row gets a new object, and its old one goes.
    pub(super) fn replace(
        &mut self,
        kind: &'static Kind,
        desired: Desired,
        object: &'w Object,
        comparison: Comparison,
        why: Why,
    ) {
        if let Err(because) = self.may_replace(&desired, object, &comparison) {
            let is_shown = because.shows_its_steps();
            self.refuse(&desired, because);
            if !is_shown {
                return;
            }
        }
        match self.successor(kind, &desired, object) {
            Err(because) => self.refuse(&desired, because),
            Ok(Successor::Found(successor, maker)) => {
                if let Err(because) = self.check_adoption(&desired, successor, maker) {
                    self.refuse(&desired, because);
                }
                self.replace_by_found(kind, desired, object, successor, maker);
            }
            Ok(Successor::InTheWay(other)) => {
                self.replace_by_new(kind, desired, object, Some(other), comparison, why);
            }
            Ok(Successor::Nothing) => {
                self.replace_by_new(kind, desired, object, None, comparison, why);
            }
        }
    }

    fn may_replace(
        &self,
        desired: &Desired,
        object: &Object,
        comparison: &Comparison,
    ) -> Result<(), Because> {
        let replaces = comparison.changes.iter().filter(|change| {
            // What goes with another is made anew with it, as AWS makes it.
            let column = object.kind().column(change.column);
            let refers = column.is_some_and(|column| self.is_to_something_new(desired, column));
            let goes_along = refers && self.goes_with_another(object);
            change.change == Change::Replace && change.cause != Cause::Drift && !goes_along
        });
        let columns: Vec<&'static str> = replaces.map(|change| change.column).collect();
        if object.owner != Owner::User && !columns.is_empty() {
            return Err(Because::AccountOwned(columns));
        }
        match desired.protected {
            true => Err(Because::Protected(Action::Replace)),
            false => Ok(()),
        }
    }

    /// Whether the object goes with one that is deleted.
    pub(super) fn goes_with_another(&self, object: &Object) -> bool {
        object.goes_with().is_some_and(|with| {
            let with = (object.region.clone(), with.clone());
            self.leaving.contains(&with)
        })
    }

    fn successor(
        &self,
        kind: &'static Kind,
        desired: &Desired,
        object: &Object,
    ) -> Result<Successor<'w>, Because> {
        let is_other = |made: &&Object| made.key() != object.key();
        let made: Vec<&'w Object> = self.made_for(desired.key).filter(is_other).collect();
        let fits = |made: &&&Object| {
            let differences = compare_new(&desired.row, &made.row);
            let mut changes = differences.iter().map(|difference| difference.change);
            made.region == desired.region && changes.all(|change| change != Change::Replace)
        };
        if let Some(made) = made.iter().find(fits) {
            return Ok(Successor::Found(made, Maker::UsForThisRow));
        }
        let Some(name) = natural_key(&desired.row) else {
            return Ok(Successor::Nothing);
        };
        match self.claim_by_name(kind, desired, name)? {
            Some(Claim::Free { object: found, .. }) if found.key() == object.key() => {
                Ok(Successor::Nothing)
            }
            Some(Claim::Free { object: found, .. })
                if made.iter().any(|made| made.key() == found.key()) =>
            {
                Ok(Successor::InTheWay(found))
            }
            Some(Claim::Free {
                object: found,
                maker,
            }) => Ok(Successor::Found(found, maker)),
            // The deleted row's object goes, and leaves its name.
            Some(Claim::Inherited { .. }) | None => Ok(Successor::Nothing),
        }
    }

    fn replace_by_found(
        &mut self,
        kind: &'static Kind,
        mut desired: Desired,
        object: &'w Object,
        successor: &'w Object,
        maker: Maker,
    ) {
        if maker == Maker::Unknown {
            self.merge_tags(&mut desired, successor);
        }
        self.stands_for(&desired, &successor.region, successor.id.clone());
        let changes = compare_new(&desired.row, &successor.row);
        let take = Step {
            action: Action::Replace,
            work: self.work_on(successor, &changes),
            object: Some(successor.clone()),
            changes,
            owned: set_columns(&desired.row),
            made: maker != Maker::Unknown,
            ..step(kind, desired, why(maker))
        };
        let position = self.plan.steps.len();
        let mut delete = delete(&take, object);
        delete.after.insert(position);
        self.plan.steps.push(take);
        self.old_one_goes(object, delete);
    }

    fn replace_by_new(
        &mut self,
        kind: &'static Kind,
        desired: Desired,
        object: &'w Object,
        in_the_way: Option<&'w Object>,
        comparison: Comparison,
        why: Why,
    ) {
        let delete_first = self.deletes_first(kind, &desired, object);
        let place = Place::ToBeMade { delete_first };
        self.plan.bindings.place(desired.key, place);
        let position = self.plan.steps.len();
        let mut create = Step {
            action: Action::Replace,
            object: Some(object.clone()),
            changes: comparison.changes,
            owned: set_columns(&desired.row),
            made: true,
            ..step(kind, desired, why)
        };
        let mut delete_old = delete(&create, object);
        let others: Vec<Step> = in_the_way
            .iter()
            .map(|other| delete(&create, other))
            .collect();
        let goes = !self.goes_with_another(object);
        match delete_first {
            true if goes => drop(create.after.insert(position + 1)),
            true => {}
            false => drop(delete_old.after.insert(position)),
        }
        for other in 0..others.len() {
            create
                .after
                .insert(position + 1 + usize::from(goes) + other);
        }
        self.plan.steps.push(create);
        self.old_one_goes(object, delete_old);
        self.plan.steps.extend(others);
    }

    fn old_one_goes(&mut self, object: &Object, delete: Step) {
        if !self.goes_with_another(object) {
            self.leaving
                .insert((object.region.clone(), object.id.clone()));
            self.plan.steps.push(delete);
        }
    }

    /// Whether the old object goes first: where the kind says so, where AWS allows no second object like it, and where
    /// the new object refers to one that comes only after the old one of its own is gone.
    fn deletes_first(&self, kind: &Kind, desired: &Desired, object: &Object) -> bool {
        let in_the_way =
            desired.region == object.region && exclude_each_other(&desired.row, &object.row);
        kind.replace == Replace::DeleteFirst || in_the_way || self.waits_for_delete(&desired.row)
    }

    fn waits_for_delete(&self, row: &Row) -> bool {
        let mut positions = 0..row.kind().columns.len();
        positions.any(|position| match row.at(position) {
            Value::Ref(Ref::Row(target)) => {
                let place = self.plan.bindings.place_of(target);
                place == Some(&Place::ToBeMade { delete_first: true })
            }
            Value::Parts(parts) => parts.iter().any(|part| self.waits_for_delete(part)),
            _ => false,
        })
    }
}

/// The second half of a replacement: the old object goes.
fn delete(create: &Step, object: &Object) -> Step {
    Step {
        action: Action::Replace,
        work: Work::Delete,
        key: create.key,
        region: object.region.clone(),
        kind: create.kind,
        row: None,
        object: Some(object.clone()),
        changes: Vec::new(),
        why: create.why,
        after: BTreeSet::new(),
        owned: BTreeSet::new(),
        kept: Vec::new(),
        made: true,
        protected: false,
        resolves: Vec::new(),
        shown: false,
    }
}
