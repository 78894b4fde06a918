//! What a run has seen of AWS, so that no step asks for it again: what the reading it began with kept for its steps, and
//! what its steps have made.
//!
//! It lasts from the reading to the end of the run. Only what steps ask for is kept: an account may have very many objects.

use iasql_engine::{CloudId, Kind, Object, ObjectKey, Region, Row};
use std::cell::RefCell;
use std::collections::HashMap;
use std::mem::take;

/// What a run has seen.
#[derive(Debug, Default)]
pub struct Seen {
    lists: RefCell<HashMap<(&'static str, Region), Vec<Object>>>,
    made: RefCell<HashMap<ObjectKey, Row>>,
    besides: RefCell<HashMap<ObjectKey, Vec<&'static str>>>,
}

impl Seen {
    /// Keeps objects of a list; all that steps may ask for.
    pub fn keep(&self, kind: &Kind, region: &Region, objects: Vec<Object>) {
        let place = (kind.table, region.clone());
        self.lists.borrow_mut().insert(place, objects);
    }

    /// What was kept of a list; None where it was not read, or a step has changed what it would show.
    pub fn kept(&self, kind: &Kind, region: &Region) -> Option<Vec<Object>> {
        let place = (kind.table, region.clone());
        self.lists.borrow().get(&place).cloned()
    }

    /// A step is about to change what the list would show.
    pub fn outdate(&self, kind: &Kind, region: &Region) {
        let place = (kind.table, region.clone());
        self.lists.borrow_mut().remove(&place);
    }

    /// Keeps an object that a step has made.
    pub fn keep_made(&self, object: &Object) {
        let mut made = self.made.borrow_mut();
        made.insert(object.key(), object.row.clone());
    }

    /// An object that a step of this run has made, as it was made. Asked for from this region.
    pub fn made(&self, kind: &Kind, region: &Region, id: &CloudId) -> Option<Row> {
        let object = ObjectKey::new(kind, region, id);
        self.made.borrow().get(&object).cloned()
    }

    /// Keeps what an object has that no column says.
    pub fn keep_besides(&self, object: ObjectKey, besides: Vec<&'static str>) {
        self.besides.borrow_mut().insert(object, besides);
    }

    /// What an object has that no column says; None where that was not read.
    pub fn besides(&self, kind: &Kind, region: &Region, id: &CloudId) -> Option<Vec<&'static str>> {
        let object = ObjectKey::new(kind, region, id);
        self.besides.borrow().get(&object).cloned()
    }

    /// Another reading begins, or the run is over.
    pub fn forget(&self) {
        take(&mut *self.lists.borrow_mut());
        take(&mut *self.made.borrow_mut());
        take(&mut *self.besides.borrow_mut());
    }
}
