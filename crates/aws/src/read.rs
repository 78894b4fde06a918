//! Reads the cloud: all tables and regions side by side.

use crate::error::{AwsError, Class};
use crate::resource::{KnownRows, Reader, Resource, Unsaid};
use crate::session::Session;
use futures::future::join_all;
use iasql_engine::kind::Scope;
use iasql_engine::{CloudId, Object, ObjectKey, Region};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The tables.
    pub tables: Vec<&'static str>,
    /// The regions that are enabled.
    pub regions: Vec<Region>,
    /// What was last agreed on. An object in it that no list shows is asked for by its id.
    pub known: KnownRows,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every object that a row can say.
    pub objects: Vec<Object>,
    /// The objects that a row cannot say.
    pub unsaid: Vec<Unsaid>,
    /// The tables and regions that could not be read.
    pub unread: Vec<Unread>,
}

/// A table that could not be read in a region. Nothing may be concluded about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The table.
    pub table: &'static str,
    /// The region; empty for global kinds.
    pub region: Region,
    /// Why.
    pub error: AwsError,
}

/// Reads. Fails where nothing can be read at all, for a reason that lies not with some service: credentials that AWS does
/// not accept, an endpoint that is down or none of AWS's.
pub async fn read(session: &Rc<Session>, request: Request) -> Result<Reading, AwsError> {
    let expected = expected(&request.known);
    let reader = Reader::new(session.access(&Region::default()), request.known);
    let places: Vec<(&'static dyn Resource, Region)> = request
        .tables
        .iter()
        .filter_map(|table| crate::resource(table))
        .flat_map(|resource| {
            let regions = match resource.kind().scope {
                Scope::Global => vec![Region::default()],
                Scope::Regional => request.regions.clone(),
            };
            regions.into_iter().map(move |region| (resource, region))
        })
        .collect();
    let lists = join_all(
        places
            .iter()
            .map(|(resource, region)| list(&reader, *resource, region, &expected)),
    )
    .await;
    let mut reading = Reading::default();
    let nothing_read = lists.iter().all(Result::is_err);
    for ((resource, region), list) in places.into_iter().zip(lists) {
        match list {
            Ok(missed) => reading.objects.extend(missed),
            Err(error) if nothing_read && concerns_all(error.class) => return Err(error),
            Err(error) => reading.unread.push(Unread {
                table: resource.kind().table,
                region,
                error,
            }),
        }
    }
    reading.unsaid = reader.unsaid();
    reading.objects.extend(reader.into_objects());
    Ok(reading)
}

/// Whether a failure of this class has its reason in what all services share.
fn concerns_all(class: Class) -> bool {
    match class {
        Class::Credentials
        | Class::NotSent
        | Class::NoAnswer
        | Class::Malformed
        | Class::Fault
        | Class::Throttled
        | Class::Cancelled => true,
        Class::Denied | Class::Refused | Class::Unsupported => false,
    }
}

type Expected = HashMap<(&'static str, Region), Vec<CloudId>>;

fn expected(known: &KnownRows) -> Expected {
    let mut expected = Expected::new();
    for key in known.keys() {
        expected
            .entry((key.table, key.region.clone()))
            .or_default()
            .push(key.id.clone());
    }
    expected
}

/// Reads one list, and asks for each object by its id that should be there and is not: absence from a list is a
/// suspicion, the answer to that question is the verdict. Returns the objects that the list missed.
async fn list(
    reader: &Reader,
    resource: &'static dyn Resource,
    region: &Region,
    expected: &Expected,
) -> Result<Vec<Object>, AwsError> {
    let kind = resource.kind();
    let reader = reader.in_region(region);
    let objects = reader.objects(resource).await?;
    let Some(expected) = expected.get(&(kind.table, region.clone())) else {
        return Ok(Vec::new());
    };
    let seen: HashSet<&CloudId> = objects.iter().map(|object| &object.id).collect();
    let unsaid = reader.unsaid();
    let missing = expected.iter().filter(|id| {
        let key = ObjectKey {
            table: kind.table,
            region: region.clone(),
            id: (*id).clone(),
        };
        !seen.contains(id) && !unsaid.iter().any(|unsaid| unsaid.object == key)
    });
    let answers = join_all(missing.map(|id| resource.describe(&reader, id))).await;
    let mut missed = Vec::new();
    for answer in answers {
        match answer {
            Ok(object) => missed.extend(object),
            Err(error) if error.is_absent(&kind.errors) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(missed)
}
