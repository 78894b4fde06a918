//! The plan: what apply will do, as data.
//!
//! [`plan`] compares three states of every object: what the row wants (**desired**), what row and cloud last agreed
//! on (**known**), and what the cloud holds (**actual**). It is a function of values: the same world gives the same
//! plan, byte for byte, in whatever order the world lists its parts.

pub(crate) mod bind;
mod change;
mod claim;
mod decide;
mod gone;
mod graph;
mod in_use;
pub(crate) mod journaled;
mod news;
pub(crate) mod places;
mod replace;
pub(crate) mod say;
mod settle;
mod three_way;
mod unread;

pub use bind::natural_key;
pub use bind::{Bindings, Place};
pub use news::{Because, News, Notice, Refusal};
pub use settle::{WriteBack, settle};
pub use three_way::{can_be_made_for, compare_new};

use crate::journal::Intent;
use crate::kind::{Catalog, Column, Kind};
use crate::object::{Known, Object};
use crate::row::{ObjectKey, Region, Row, RowKey};
use crate::value::Value;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A row as a user wants its object to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Which row.
    pub key: RowKey,
    /// Where its object is to live; empty for global kinds.
    pub region: Region,
    /// The values. Reference columns hold what the database holds: an id or a name.
    pub row: Row,
    /// Whether the row forbids deleting and replacing its object.
    pub protected: bool,
}

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct World<'a> {
    /// The kinds in play.
    pub catalog: &'a Catalog,
    /// All rows.
    pub desired: Vec<Desired>,
    /// What was last agreed on, by row.
    pub known: BTreeMap<RowKey, Known>,
    /// All objects that were read.
    pub actual: Vec<Object>,
    /// Tables and regions that could not be read. Nothing is concluded about them and nothing in them is planned.
    pub unread: BTreeSet<(&'static str, Region)>,
    /// Objects that exist and that a row cannot say.
    pub unsaid: BTreeSet<ObjectKey>,
    /// What earlier runs did, or may have done, that no `known` shows.
    pub intents: Vec<Intent>,
}

impl World<'_> {
    /// An update of its row changes the protection that was agreed on at once. A row that is inserted anew under the id
    /// of a protected one says nothing about it.
    pub(crate) fn keep_protection(&mut self) {
        for row in &mut self.desired {
            let known = self.known.get(&row.key);
            row.protected |= known.is_some_and(|known| known.protected);
        }
    }
}

/// What the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What to do about changes that somebody else made.
    pub on_drift: OnDrift,
    /// What to do about objects that exist already and differ.
    pub adopt: Adopt,
    /// How many objects may be deleted or replaced; None for any number.
    pub max_deletes: Option<u32>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            on_drift: OnDrift::Owned,
            adopt: Adopt::Equal,
            max_deletes: None,
        }
    }
}

/// What to do about changes that somebody else made in the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDrift {
    /// Put back the columns that we have set, keep the rest.
    Owned,
    /// Put everything back.
    Enforce,
    /// Keep everything.
    Keep,
    /// Refuse to go on.
    Refuse,
}

/// What to do about an object that exists already and that a new row describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopt {
    /// Take it where nothing differs.
    Equal,
    /// Take it and make it what the row says.
    Overwrite,
}

/// What apply will do.
#[derive(Debug, Default)]
pub struct Plan {
    /// The steps, each after those it waits for. Among them are refused ones, where that can be looked at.
    pub steps: Vec<Step>,
    /// What there is to write into rows and `known` without any call.
    pub effects: Effects,
    /// What the user should know.
    pub notices: Vec<Notice>,
    /// Why the plan cannot be applied. Empty in a plan that can.
    pub refusals: Vec<Refusal>,
    /// Which row stands for which object.
    pub bindings: Bindings,
}

/// What there is to write without any call.
#[derive(Debug, Default, PartialEq)]
pub struct Effects {
    /// Values for rows.
    pub write_back: Vec<WriteBack>,
    /// What is agreed on now.
    pub agree: Vec<(RowKey, Known)>,
    /// Rows that nothing is known about any more.
    pub forget: Vec<RowKey>,
    /// Steps of earlier runs (run and number) that leave no question once this plan is applied.
    pub resolved: Vec<(String, u32)>,
    /// Rows to put back, because what they stand for cannot be deleted.
    pub restore: Vec<(RowKey, Object)>,
}

/// One step: the work on one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What the user is shown.
    pub action: Action,
    /// What is done.
    pub work: Work,
    /// The row.
    pub key: RowKey,
    /// Where.
    pub region: Region,
    /// The kind.
    pub kind: &'static Kind,
    /// What is wanted. References to objects that do not exist yet name their row. None for a delete.
    pub row: Option<Row>,
    /// The object as it was read. None for a plain create.
    pub object: Option<Object>,
    /// The columns that change.
    pub changes: Vec<Difference>,
    /// Why.
    pub why: Why,
    /// The steps that this one waits for.
    pub after: BTreeSet<usize>,
    /// Columns that somebody else changed and that stay so, with what was last agreed on. In `row` they are as the
    /// object has them.
    pub kept: Vec<(&'static str, Value)>,
    /// The columns that we have set, after this step.
    pub owned: BTreeSet<String>,
    /// Whether we made the object, after this step.
    pub made: bool,
    /// Whether the row forbids deleting the object.
    pub protected: bool,
    /// Steps of earlier runs (run and number) that leave no question once all steps of the row are done.
    pub resolves: Vec<(String, u32)>,
    /// Whether the step is a row of the plan that users see. The second half of a replacement is not.
    pub shown: bool,
}

/// The action of a step, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Make an object.
    Create,
    /// Change an object.
    Update,
    /// Make a new object in place of an old one.
    Replace,
    /// Delete an object.
    Delete,
    /// Take an object that exists for the row.
    Adopt,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::Adopt => "adopt",
        })
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Make the object.
    Create,
    /// Change the object.
    Update,
    /// Do what an earlier run's create left undone.
    Finish,
    /// Delete the object.
    Delete,
    /// Nothing is called.
    Bind,
}

/// A column that changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The column's name.
    pub column: &'static str,
    /// What an edit of the column means.
    pub change: crate::kind::Change,
    /// The value in the cloud.
    pub before: Json,
    /// The value wanted. Null also where it is an object that does not exist yet.
    pub after: Json,
    /// Who changed it.
    pub cause: Cause,
}

/// Who changed a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The row.
    Row,
    /// Somebody else, in the cloud.
    Drift,
    /// Both; the row wins.
    Both,
    /// The object that the column refers to is made anew.
    Reference,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Row => "row changed",
            Cause::Drift => "cloud changed",
            Cause::Both => "row and cloud changed",
            Cause::Reference => "refers to an object made anew",
        })
    }
}

/// Why a step is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The row is new.
    NewRow,
    /// The row was deleted.
    RowDeleted,
    /// The row or the cloud changed; the differences say which.
    Changed,
    /// The object is gone from the cloud.
    Gone,
    /// The object exists already.
    Exists,
    /// An earlier run made the object.
    Unfinished,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::NewRow => "new row",
            Why::RowDeleted => "row deleted",
            Why::Changed => "changed",
            Why::Gone => "gone from the cloud",
            Why::Exists => "exists already",
            Why::Unfinished => "made by an earlier run",
        })
    }
}

/// Makes the plan.
pub fn plan(world: World<'_>, rules: &Rules) -> Plan {
    decide::decide(world, rules)
}

impl Step {
    /// What users call the step's object: its cloud id, or the row's key while it has none.
    pub fn description(&self) -> String {
        match (&self.object, &self.row) {
            (Some(object), _) => object.id.to_string(),
            (None, Some(row)) if !row.name().is_empty() => row.name(),
            _ => self.key.id.to_string(),
        }
    }

    /// What users call the row.
    pub fn name(&self) -> String {
        let row = self.row.as_ref();
        row.or(self.object.as_ref().map(|object| &object.row))
            .map(Row::name)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| self.key.id.to_string())
    }

    /// What row and object agree on when the step is done: `object` is as [`crate::execute::Outcome::Done`] has it.
    pub fn agreement(&self, object: &Object) -> Known {
        Known {
            owned: self.owned.clone(),
            made: self.made,
            protected: self.protected,
            ..Known::found(object)
        }
    }

    /// The columns that change and are settable in place, or all of them for the tail of a create.
    pub fn changed_columns(&self) -> Vec<&'static str> {
        self.changes.iter().map(|change| change.column).collect()
    }
}

pub(crate) fn difference(
    column: &'static Column,
    before: &Value,
    after: &Value,
    cause: Cause,
) -> Difference {
    let appears = before.is_null() != after.is_null();
    Difference {
        column: column.name,
        change: match column.presence_fixed && appears {
            true => crate::kind::Change::Replace,
            false => column.change,
        },
        before: before.to_json(),
        after: after.to_json(),
        cause,
    }
}
