//! What a table's file provides, and what it is given to do so.

use crate::access::Access;
use crate::error::AwsError;
use crate::writer::Writer;
use async_trait::async_trait;
use futures::future::{FutureExt, LocalBoxFuture, Shared as SharedFuture};
use iasql_engine::kind::Change;
use iasql_engine::plan::compare_new;
use iasql_engine::{CloudId, Kind, Object, ObjectKey, Region, Row, Value};
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, ready};
use std::ops::Deref;
use std::rc::Rc;
use tokio::sync::OnceCell;

/// A table: the calls behind its rows. Paging, retries, limits, journaling, waiting and order are not its business.
#[async_trait(?Send)]
pub trait Resource: Sync {
    /// What the table's columns are.
    fn kind(&self) -> &'static Kind;

    /// Every object of the kind in the reader's region.
    async fn list(&self, reader: &Reader) -> Result<Vec<Object>, AwsError>;

    /// One object, or None where it does not exist: the verdict when a list did not show it.
    async fn describe(&self, reader: &Reader, id: &CloudId) -> Result<Option<Object>, AwsError>;

    /// Makes the object that the row describes and everything that belongs to its making. References in the row
    /// hold cloud ids. The answer holds the cloud-filled columns.
    async fn create(&self, writer: &Writer, row: &Row) -> Result<Object, AwsError>;

    /// Does what a create left undone that was cut off: called with the object as it was found.
    async fn finish(&self, writer: &Writer, object: &Object, row: &Row) -> Result<(), AwsError> {
        self.update(writer, object, row, &Changed::between(object, row))
            .await
    }

    /// Changes the columns in `changed` to the row's values. Called with the same arguments again after a crash.
    async fn update(
        &self,
        writer: &Writer,
        object: &Object,
        row: &Row,
        changed: &Changed,
    ) -> Result<(), AwsError>;

    /// Deletes the object. An object that is already gone is no error.
    async fn delete(&self, writer: &Writer, object: &Object) -> Result<(), AwsError>;
}

/// The columns that an update changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed(Vec<&'static str>);

impl Changed {
    /// These columns.
    pub fn new(columns: impl IntoIterator<Item = &'static str>) -> Changed {
        Changed(columns.into_iter().collect())
    }

    /// The columns in which the object differs from what the row wants.
    pub fn between(object: &Object, row: &Row) -> Changed {
        let differences = compare_new(row, &object.row);
        Changed::new(differences.iter().map(|difference| difference.column))
    }

    /// Whether the column changes.
    pub fn has(&self, column: &str) -> bool {
        self.0.contains(&column)
    }

    /// Whether one of the columns changes.
    pub fn any(&self, columns: &[&str]) -> bool {
        columns.iter().any(|column| self.has(column))
    }
}

/// What a table's objects looked like at the last agreement, by object.
pub type KnownRows = HashMap<ObjectKey, Row>;

/// What was last agreed on in a reader's region.
pub struct Agreed {
    rows: Rc<KnownRows>,
    region: Region,
}

impl Agreed {
    /// What an object looked like at the last agreement.
    pub fn row(&self, kind: &Kind, id: &CloudId) -> Option<&Row> {
        self.rows.get(&ObjectKey::new(kind, &self.region, id))
    }
}

fn share(object: &mut Object, known: &KnownRows) {
    if let Some((key, row)) = known.get_key_value(&object.key()) {
        object.id = key.id.clone();
        object.row.share(row);
    }
}

/// Reads one region. Dereferences to [`Access`].
#[derive(Clone)]
pub struct Reader {
    access: Access,
    shared: Rc<Shared>,
}

/// What the lists of one reading share.
struct Shared {
    known: SharedFuture<LocalBoxFuture<'static, Rc<KnownRows>>>,
    lists: RefCell<HashMap<(&'static str, Region), Rc<List>>>,
    unsaid: RefCell<Vec<Unsaid>>,
    take: Option<Take>,
}

/// Takes objects before their list is complete.
pub type Take = Box<dyn Fn(Vec<Object>)>;

type List = OnceCell<Result<Rc<Vec<Object>>, AwsError>>;

/// An object that a row cannot say. It is not imported and not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaid {
    /// The object.
    pub object: ObjectKey,
    /// What it has that no column says.
    pub why: String,
}

impl Deref for Reader {
    type Target = Access;
    fn deref(&self) -> &Access {
        &self.access
    }
}

impl Reader {
    /// A reader to which nothing was agreed on.
    pub fn new(access: Access) -> Reader {
        Reader::with_known(access, ready(Rc::default()))
    }

    /// A reader that will know what was last agreed on. The lists do not wait for it.
    pub fn with_known(
        access: Access,
        known: impl Future<Output = Rc<KnownRows>> + 'static,
    ) -> Reader {
        Reader::handing_over(access, known, None)
    }

    /// The same for somebody who takes objects as they come.
    pub fn handing_over(
        access: Access,
        known: impl Future<Output = Rc<KnownRows>> + 'static,
        take: Option<Take>,
    ) -> Reader {
        Reader {
            access,
            shared: Rc::new(Shared {
                known: known.boxed_local().shared(),
                lists: RefCell::default(),
                unsaid: RefCell::default(),
                take,
            }),
        }
    }

    /// The same reading in another region.
    pub fn in_region(&self, region: &Region) -> Reader {
        Reader {
            access: self.access.in_region(region),
            shared: Rc::clone(&self.shared),
        }
    }

    /// The objects of a kind in this region. However many tables need them, they are read once.
    pub async fn objects(&self, resource: &dyn Resource) -> Result<Rc<Vec<Object>>, AwsError> {
        let key = (resource.kind().table, self.region().clone());
        let list = Rc::clone(self.shared.lists.borrow_mut().entry(key).or_default());
        list.get_or_init(|| async {
            let mut objects = resource.list(self).await?;
            let agreed = self.agreed().await;
            for object in &mut objects {
                share(object, &agreed.rows);
            }
            Ok(Rc::new(objects))
        })
        .await
        .clone()
    }

    /// Hands a page over to whoever takes objects as they come; returns what is left for the list. For kinds that have no
    /// parts, and that no other table lists or refers to.
    pub fn hand_over(&self, page: Vec<Object>) -> Vec<Object> {
        match &self.shared.take {
            Some(take) => {
                take(page);
                Vec::new()
            }
            None => page,
        }
    }

    /// Has the objects of a kind in this region read again.
    pub fn forget(&self, kind: &Kind) {
        let place = (kind.table, self.region().clone());
        let mut unsaid = self.shared.unsaid.borrow_mut();
        unsaid.retain(|it| (it.object.table, &it.object.region) != (place.0, &place.1));
        self.shared.lists.borrow_mut().remove(&place);
    }

    /// What was last agreed on, once that is known.
    pub async fn agreed(&self) -> Agreed {
        Agreed {
            rows: self.shared.known.clone().await,
            region: self.region().clone(),
        }
    }

    /// The object of this id in this region.
    pub fn key(&self, kind: &Kind, id: &CloudId) -> ObjectKey {
        ObjectKey::new(kind, self.region(), id)
    }

    /// Lets an object share the memory of what was last agreed on, as far as they are the same and the agreement is known
    /// by now.
    pub fn share(&self, object: &mut Object) {
        if let Some(known) = self.shared.known.peek() {
            share(object, known);
        }
    }

    /// Notes that a row cannot say this object.
    pub fn cannot_say(&self, kind: &Kind, id: &CloudId, why: impl Into<String>) {
        let (object, why) = (self.key(kind, id), why.into());
        let session = self.access.session();
        session.keep_unsaid(object.clone(), why.clone());
        let unsaid = Unsaid { object, why };
        self.shared.unsaid.borrow_mut().push(unsaid);
    }

    /// Notes that a row cannot say this object if an earlier reading of the session has found so. For objects that
    /// never change.
    pub fn still_cannot_say(&self, kind: &Kind, id: &CloudId) -> bool {
        let why = self.access.session().unsaid(&self.key(kind, id));
        let is_unsaid = why.is_some();
        if let Some(why) = why {
            self.cannot_say(kind, id, why);
        }
        is_unsaid
    }

    /// The object as a row can say it. A value that its column's enum type does not have is left out where AWS fills
    /// the column in; elsewhere the object is left out and noted.
    pub fn sayable(&self, mut object: Object) -> Option<Object> {
        let kind = object.kind();
        for column in kind
            .columns
            .iter()
            .filter(|column| !column.values.is_empty())
        {
            let Some(value) = object.row.text(column.name) else {
                continue;
            };
            if column.values.contains(&value) {
                continue;
            }
            if column.change != Change::CloudFilled {
                let why = format!("its {} is {value}", column.name);
                self.cannot_say(kind, &object.id, why);
                return None;
            }
            object.row.set(column.name, Value::Null);
        }
        Some(object)
    }

    /// Every object of every list that was read. The lists themselves, not copies, once nobody else holds them.
    pub fn into_objects(self) -> Vec<Object> {
        let lists = self.shared.lists.take();
        lists
            .into_values()
            .filter_map(|list| match list.get() {
                Some(Ok(_)) => Rc::into_inner(list)?.into_inner()?.ok(),
                _ => None,
            })
            .flat_map(Rc::unwrap_or_clone)
            .collect()
    }

    /// The objects that rows cannot say, as far as they have been read.
    pub fn unsaid(&self) -> Vec<Unsaid> {
        self.shared.unsaid.borrow().clone()
    }
}
