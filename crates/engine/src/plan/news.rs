//! What the user is told about a plan.

use super::{Action, Difference};
use crate::row::{CloudId, ObjectKey, RowKey};
use serde_json::Value as Json;

/// What the user should know about a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The row.
    pub key: RowKey,
    /// What users call it.
    pub name: String,
    /// What there is to know.
    pub what: News,
}

/// What there is to know.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Somebody else changed these columns, and the changes are kept.
    DriftKept(Vec<Difference>),
    /// Edits of these columns are put back: AWS fills them.
    PutBack(Vec<&'static str>),
    /// These columns were set to NULL, which leaves the choice to AWS; its choice stays.
    ChoiceStays(Vec<&'static str>),
    /// The object is gone and was not made by us.
    GoneAndLeft,
    /// The object is gone and will be made again.
    GoneAndMadeAgain,
    /// The account itself owns the object; its row is put back.
    AccountOwned,
    /// The object comes and goes with another; its row is put back.
    GoesWithAnother(CloudId),
    /// The table could not be read; the row is left as it is.
    Unread,
    /// What may use the object could not be read; it is not deleted yet.
    UsersUnread,
    /// The object has something that no column says; nothing is changed.
    Unsaid,
    /// An earlier run made the object, and its row was rolled back.
    RolledBack(CloudId),
}

/// Why a row cannot be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The row.
    pub key: RowKey,
    /// What users call it.
    pub name: String,
    /// Why.
    pub why: Because,
}

/// Why a row cannot be applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Because {
    /// An object of this natural key exists already and differs.
    Differs {
        /// The object.
        object: CloudId,
        /// The columns that differ.
        differences: Vec<Difference>,
    },
    /// Another row claims the same object.
    TwoRows {
        /// The object.
        object: CloudId,
        /// The other row.
        other: RowKey,
    },
    /// Two rows want one object, which does not exist yet.
    WantedTwice {
        /// The other row.
        other: RowKey,
    },
    /// A reference leads nowhere.
    Dangling {
        /// The column.
        column: &'static str,
        /// The table it refers to.
        table: &'static str,
        /// What it holds.
        value: Json,
    },
    /// Somebody else changed these columns, and `iasql.on_drift` is `refuse`.
    Drift(Vec<Difference>),
    /// The object must be replaced, AWS allows no second one of its name, and something uses it.
    ReplaceInUse {
        /// The columns that force the replacement.
        columns: Vec<&'static str>,
        /// What uses it.
        user: ObjectKey,
    },
    /// The account itself owns the object, which would have to be replaced for these columns.
    AccountOwned(Vec<&'static str>),
    /// The row or its last agreement forbids deleting or replacing the object.
    Protected(Action),
    /// The plan deletes or replaces more than `iasql.max_deletes`.
    TooManyDeletes {
        /// The rows whose objects it deletes, and what users call them.
        deletes: Vec<(RowKey, String)>,
        /// How many are allowed.
        allowed: u32,
    },
    /// The object has something that no column says, and the row changes it.
    Unsaid,
    /// Steps wait for each other in a circle.
    Circle(Vec<RowKey>),
}

impl Because {
    /// Whether the plan shows what it refuses. It can be looked at then, though not applied.
    pub fn shows_its_steps(&self) -> bool {
        matches!(
            self,
            Because::Differs { .. } | Because::Protected(_) | Because::TooManyDeletes { .. }
        )
    }
}
