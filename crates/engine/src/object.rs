//! What the cloud holds, and what row and cloud last agreed on.

use crate::kind::Kind;
use crate::row::{CloudId, ObjectKey, Region, Row, compare_tables};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// An object as the cloud shows it now (**actual**).
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Where; empty for global kinds.
    pub region: Region,
    /// The cloud id.
    pub id: CloudId,
    /// Every modelled attribute. References hold cloud ids.
    pub row: Row,
    /// Who may delete it.
    pub owner: Owner,
    /// The value of the owner tag, where the object carries one.
    pub owner_tag: Option<String>,
}

/// Who an object belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Whoever made it; it can be deleted.
    User,
    /// The account itself: it is never deleted.
    Account,
    /// Another object, with which it comes and goes.
    Object(CloudId),
}

impl Object {
    /// An object that can be deleted.
    pub fn new(region: &Region, id: impl Into<CloudId>, row: Row) -> Object {
        Object {
            region: region.clone(),
            id: id.into(),
            row,
            owner: Owner::User,
            owner_tag: None,
        }
    }

    /// The kind of the object.
    pub fn kind(&self) -> &'static Kind {
        self.row.kind()
    }

    /// The key of the object.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            table: self.kind().table,
            region: self.region.clone(),
            id: self.id.clone(),
        }
    }

    /// By what its key is made of.
    pub(crate) fn compare_keys(&self, other: &Object) -> Ordering {
        compare_tables(self.kind().table, other.kind().table)
            .then_with(|| (&self.region, &self.id).cmp(&(&other.region, &other.id)))
    }

    /// The object that this one comes and goes with.
    pub fn goes_with(&self) -> Option<&CloudId> {
        match &self.owner {
            Owner::Object(with) => Some(with),
            Owner::User | Owner::Account => None,
        }
    }

    /// The object that this one belongs to, though it can go on its own.
    pub fn belongs_to(&self) -> Option<&CloudId> {
        let column = self.kind().columns.iter().find(|column| column.belongs)?;
        self.row.object(column.name)
    }
}

/// What a row and its object last agreed on (**known**).
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Where the object is; empty for global kinds.
    pub region: Region,
    /// The object's cloud id.
    pub id: CloudId,
    /// The agreed values. References hold cloud ids.
    pub row: Row,
    /// The columns that we have set, and put back when somebody else changes them.
    pub owned: BTreeSet<String>,
    /// Whether we made the object, or found it.
    pub made: bool,
    /// Whether the row forbids deleting and replacing the object.
    pub protected: bool,
    /// Whether the object belongs to the account itself.
    pub account_owned: bool,
}

impl Known {
    /// What is agreed on with an object that was found.
    pub fn found(object: &Object) -> Known {
        Known {
            region: object.region.clone(),
            id: object.id.clone(),
            row: object.row.clone(),
            owned: BTreeSet::new(),
            made: false,
            protected: false,
            account_owned: object.owner == Owner::Account,
        }
    }

    /// The object's key, for a row of this table.
    pub fn object_key(&self, table: &'static str) -> ObjectKey {
        ObjectKey {
            table,
            region: self.region.clone(),
            id: self.id.clone(),
        }
    }
}
