//! What is to be done for a row that exists.

use super::claim::{Claim, Maker};
use super::decide::Planner;
use super::say::target;
use super::three_way::{Comparison, compare, compare_new};
use super::{
    Action, Because, Cause, Desired, Difference, News, OnDrift, Place, Step, Why, Work, WriteBack,
    difference, settle,
};
use crate::compare::leaves_the_choice;
use crate::kind::{Change, Column, Kind};
use crate::object::{Known, Object, Owner};
use crate::row::Row;
use crate::value::{Ref, Value};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::collections::BTreeSet;

impl<'w> Planner<'w> {
    /// A row that was agreed on.
    pub(super) fn known_row(
        &mut self,
        kind: &'static Kind,
        desired: Desired,
        known: Cow<'w, Known>,
        object: Option<&'w Object>,
    ) {
        if let Some(object) = object {
            return self.changed_row(kind, desired, known, object, Why::Changed);
        }
        if self.world.unsaid.contains(&known.object_key(kind.table)) {
            return self.unsaid_row(desired, &known);
        }
        match self.claim(kind, &desired) {
            Err(because) => self.refuse(&desired, because),
            Ok(Some(claim)) => self.take(kind, desired, claim),
            Ok(None) if known.made || self.is_of_something_new(&desired, &known) => {
                self.notice(&desired, News::GoneAndMadeAgain);
                self.create(kind, desired, Why::Gone);
            }
            Ok(None) => {
                self.notice(&desired, News::GoneAndLeft);
                self.stands_for(&desired, &known.region, known.id.clone());
            }
        }
    }

    /// What an earlier run has pressed is not pressed again; its row was not told.
    pub(super) fn release_buttons(&mut self, desired: &mut Desired) {
        for (position, column) in desired.row.kind().columns.iter().enumerate() {
            let is_pressed =
                column.change == Change::Button && *desired.row.at(position) == Value::Bool(true);
            if is_pressed && self.journaled.has_pressed(desired.key, position) {
                let value = Value::Bool(false);
                desired.row.set(column.name, value.clone());
                self.plan.effects.write_back.push(WriteBack {
                    key: desired.key,
                    column: column.name,
                    value,
                });
            }
        }
    }

    /// Whether the row is of something that is still to be made or finished, or that is another than it was: what went
    /// with the old one comes back with the new one, whoever made it.
    fn is_of_something_new(&self, desired: &Desired, known: &Known) -> bool {
        let is_another = |column: &Column| match desired.row.get(column.name) {
            now @ Value::Ref(Ref::Object(_)) => now != known.row.get(column.name),
            _ => false,
        };
        let mut keys = desired.row.kind().columns.iter().filter(|it| it.key);
        keys.any(|column| is_another(column) || self.is_to_something_new(desired, column))
    }

    /// Whether the column refers to what is still to be made or finished.
    pub(super) fn is_to_something_new(&self, desired: &Desired, column: &Column) -> bool {
        let id = match desired.row.get(column.name) {
            Value::Ref(Ref::Row(_)) => return true,
            Value::Ref(Ref::Object(id)) => id,
            _ => return false,
        };
        let target = target(self.world.catalog, column, &desired.region, id);
        let target = target.and_then(|target| self.objects.by_id(&target));
        target.is_some_and(|position| self.journaled.is_made(position))
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

    /// A row that nobody has agreed on.
    pub(super) fn new_row(&mut self, kind: &'static Kind, desired: Desired) {
        match self.claim(kind, &desired) {
            Err(because) => self.refuse(&desired, because),
            Ok(None) => self.create(kind, desired, Why::NewRow),
            Ok(Some(claim)) => self.take(kind, desired, claim),
        }
    }

    /// Takes an object that exists already for the row.
    fn take(&mut self, kind: &'static Kind, mut desired: Desired, claim: Claim<'w>) {
        let (object, maker) = match claim {
            Claim::Free { object, maker } => (object, maker),
            Claim::Inherited {
                from,
                known,
                object,
            } => {
                if known.protected && !desired.protected {
                    self.refuse(&desired, Because::Protected(Action::Delete));
                }
                self.taken_over.insert(from);
                self.leaving
                    .remove(&(object.region.clone(), object.id.clone()));
                self.plan.effects.forget.push(from);
                self.plan.effects.agree.push((desired.key, known.clone()));
                let known = Cow::Borrowed(known);
                return self.changed_row(kind, desired, known, object, Why::Exists);
            }
        };
        if maker == Maker::Unknown {
            self.merge_tags(&mut desired, object);
        }
        let why = why(maker);
        if let Err(because) = self.check_adoption(&desired, object, maker) {
            self.refuse(&desired, because);
            return self.show_adoption(kind, desired, object, why);
        }
        let known = found(&desired, object, maker);
        self.changed_row(kind, desired, Cow::Owned(known), object, why);
    }

    /// What the row would take and change, were it not refused.
    fn show_adoption(
        &mut self,
        kind: &'static Kind,
        desired: Desired,
        object: &'w Object,
        why: Why,
    ) {
        self.stands_for(&desired, &object.region, object.id.clone());
        let step = Step {
            action: Action::Adopt,
            work: Work::Update,
            object: Some(object.clone()),
            changes: compare_new(&desired.row, &object.row),
            ..step(kind, desired, why)
        };
        self.plan.steps.push(step);
    }

    /// Tags that the object carries already stay; the row's win where both name one.
    pub(super) fn merge_tags(&mut self, desired: &mut Desired, object: &Object) {
        let row = &mut desired.row;
        if row.kind().position("tags").is_none() {
            return;
        }
        let Some(Json::Object(tags)) = object.row.json("tags") else {
            return;
        };
        let mut merged = tags;
        if let Some(Json::Object(tags)) = row.json("tags") {
            merged.extend(tags);
        }
        let merged = Value::from(Json::Object(merged));
        if merged != *row.get("tags") {
            row.set("tags", merged.clone());
            self.plan.effects.write_back.push(WriteBack {
                key: desired.key,
                column: "tags",
                value: merged,
            });
        }
    }

    /// A row and its object.
    fn changed_row(
        &mut self,
        kind: &'static Kind,
        mut desired: Desired,
        known: Cow<'w, Known>,
        object: &'w Object,
        why: Why,
    ) {
        let mut comparison = compare(&desired.row, &known, &object.row, self.rules.on_drift);
        if desired.region != known.region {
            comparison.changes.push(Difference {
                column: "region",
                change: Change::Replace,
                before: Json::from(known.region.as_str()),
                after: Json::from(desired.region.as_str()),
                cause: Cause::Row,
            });
        }
        if !comparison.refused.is_empty() {
            return self.refuse(&desired, Because::Drift(comparison.refused));
        }
        self.tell(&desired, &comparison);
        if comparison.must_replace() {
            return self.replace(kind, desired, object, comparison, why);
        }
        self.stands_for(&desired, &object.region, object.id.clone());
        if comparison.changes.is_empty() && why == Why::Changed {
            return self.agree(desired, known, object, &comparison);
        }
        let owned = owned(&known, &comparison);
        let kept = kept(&known, &comparison);
        // A call that says more than what changes says what is there.
        for (column, _) in &kept {
            desired.row.set(column, object.row.get(column).clone());
        }
        let step = Step {
            action: match why {
                Why::Changed => Action::Update,
                _ => Action::Adopt,
            },
            work: self.work_on(object, &comparison.changes),
            object: Some(object.clone()),
            kept,
            changes: comparison.changes,
            owned,
            made: known.made,
            ..step(kind, desired, why)
        };
        self.plan.steps.push(step);
    }

    /// What it takes to make these changes to an object that exists. What an earlier run made is finished, whatever
    /// it shows: AWS may have made more along with it. What itself came along with another is finished with that.
    pub(super) fn work_on(&self, object: &Object, changes: &[Difference]) -> Work {
        let position = self.objects.by_id(&object.key());
        let is_made = position.is_some_and(|position| self.journaled.is_made(position));
        match is_made && object.goes_with().is_none() {
            true => Work::Finish,
            false if changes.is_empty() => Work::Bind,
            false => Work::Update,
        }
    }

    /// Nothing is to be called: the row gets what AWS filled in, and both are agreed on what they hold.
    fn agree(
        &mut self,
        desired: Desired,
        known: Cow<'w, Known>,
        object: &Object,
        comparison: &Comparison,
    ) {
        let write_back = settle::settle(desired.key, &desired.row, &object.row);
        self.plan.effects.write_back.extend(write_back);
        let account_owned = object.owner == Owner::Account;
        let given_back = &mut comparison.choice_stays.iter();
        let agreed = known.region == object.region
            && known.id == object.id
            && !given_back.any(|column| known.owned.contains(*column))
            && known.protected == desired.protected
            && known.account_owned == account_owned
            && comparison.kept.is_empty()
            && known.row == object.row;
        if agreed && matches!(known, Cow::Borrowed(_)) {
            return;
        }
        let mut row = object.row.clone();
        for (column, value) in kept(&known, comparison) {
            row.set(column, value);
        }
        let agreed = Known {
            region: object.region.clone(),
            id: object.id.clone(),
            row,
            owned: owned(&known, comparison),
            made: known.made,
            protected: desired.protected,
            account_owned,
        };
        if matches!(known, Cow::Owned(_)) || agreed != *known {
            self.plan.effects.agree.push((desired.key, agreed));
        }
    }

    fn tell(&mut self, desired: &Desired, comparison: &Comparison) {
        if !comparison.kept.is_empty() {
            self.notice(desired, News::DriftKept(comparison.kept.clone()));
        }
        if !comparison.put_back.is_empty() {
            self.notice(desired, News::PutBack(comparison.put_back.clone()));
        }
        if !comparison.choice_stays.is_empty() {
            self.notice(desired, News::ChoiceStays(comparison.choice_stays.clone()));
        }
    }

    fn create(&mut self, kind: &'static Kind, desired: Desired, why: Why) {
        let place = Place::ToBeMade {
            delete_first: false,
        };
        self.plan.bindings.place(desired.key, place);
        let columns = kind.columns.iter().enumerate();
        let changes = columns
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
            ..step(kind, desired, why)
        };
        self.plan.steps.push(step);
    }
}

/// The object as it was found, for a row that takes it.
fn found(desired: &Desired, object: &Object, maker: Maker) -> Known {
    Known {
        owned: set_columns(&desired.row),
        made: maker != Maker::Unknown,
        protected: desired.protected,
        ..Known::found(object)
    }
}

/// Why a row takes an object of this maker.
pub(super) fn why(maker: Maker) -> Why {
    match maker {
        Maker::Unknown => Why::Exists,
        Maker::Us | Maker::UsForThisRow => Why::Unfinished,
    }
}

/// A step that makes the row's object.
pub(super) fn step(kind: &'static Kind, desired: Desired, why: Why) -> Step {
    Step {
        action: Action::Create,
        work: Work::Create,
        key: desired.key,
        region: desired.region,
        kind,
        row: Some(desired.row),
        object: None,
        changes: Vec::new(),
        why,
        after: BTreeSet::new(),
        owned: BTreeSet::new(),
        kept: Vec::new(),
        made: false,
        protected: desired.protected,
        resolves: Vec::new(),
        shown: true,
    }
}

/// The columns that we have set: those that we had, without the ones given back to AWS, and those that the row
/// changes now.
fn owned(known: &Known, comparison: &Comparison) -> BTreeSet<String> {
    let mut owned = known.owned.clone();
    for column in &comparison.choice_stays {
        owned.remove(*column);
    }
    let by_row = comparison
        .changes
        .iter()
        .filter(|change| change.cause != Cause::Drift && change.change != Change::Button);
    owned.extend(by_row.map(|change| change.column.to_owned()));
    owned
}

/// What was agreed on for the columns that somebody else changed and that are left.
fn kept(known: &Known, comparison: &Comparison) -> Vec<(&'static str, Value)> {
    let kept = comparison.kept.iter().map(|kept| kept.column);
    kept.map(|column| (column, known.row.get(column).clone()))
        .collect()
}

/// The columns that the row sets.
pub(super) fn set_columns(row: &Row) -> BTreeSet<String> {
    let columns = row.kind().columns.iter().enumerate();
    columns
        .filter(|(position, column)| {
            matches!(column.change, Change::InPlace | Change::Replace)
                && !leaves_the_choice(column, row.at(*position))
        })
        .map(|(_, column)| column.name.to_owned())
        .collect()
}
