//! Reads the cloud: all tables and regions side by side.

use crate::doubt::{Doubts, Lost, Quiet, Verdict};
use crate::error::{AwsError, Class};
use crate::resource::{KnownRows, Reader, Resource, Take, Unsaid};
use crate::session::Session;
use futures::future::{FutureExt, join_all};
use iasql_engine::{Object, ObjectKey, Region};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The tables.
    pub tables: Vec<&'static str>,
    /// The regions that are enabled.
    pub regions: Vec<Region>,
    /// Whether objects are told as they come, and are not in the answer. Only where nothing is remembered of them: a list is
    /// then not in doubt.
    pub piecemeal: bool,
}

/// What a reading says while it goes on.
#[derive(Debug)]
pub enum News {
    /// It waits.
    Quiet(Quiet),
    /// Some objects of one table in one region. The table may still fail to be read there.
    Objects(Vec<Object>),
    /// A table has been read in a region: all its objects have been told.
    Read(&'static str, Region),
}

/// What is remembered of the objects.
#[derive(Debug, Default)]
pub struct Memory {
    /// What was last agreed on. An object in it that no list shows is asked for by its id.
    pub known: KnownRows,
    /// Objects that earlier runs have made and that nobody has agreed on. They are asked for in the same way.
    pub made: Vec<ObjectKey>,
    /// Objects that runs have just made and that nothing but their ids tells apart, and how long AWS may not know them.
    pub young: HashMap<ObjectKey, Duration>,
    /// Objects that runs have deleted lately. One that a list shows is asked for by its id.
    pub deleted: Vec<ObjectKey>,
    /// Objects that earlier runs may have made.
    pub lost: Vec<Lost>,
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
/// not accept, an endpoint that is down or none of AWS's. The lists do not wait for the memory.
/// `tell` hears what goes on.
pub async fn read(
    session: &Rc<Session>,
    request: Request,
    memory: impl Future<Output = Memory> + 'static,
    tell: Rc<dyn Fn(News)>,
) -> Result<Reading, AwsError> {
    session.seen().forget();
    let memory = memory.map(Recalled::new).boxed_local().shared();
    let known = memory.clone().map(|memory| memory.known);
    let take = request.piecemeal.then(|| {
        let tell = Rc::clone(&tell);
        Box::new(move |objects| tell(News::Objects(objects))) as Take
    });
    let reader = Reader::handing_over(session.access(&Region::default()), known, take);
    let quiet = |quiet| tell(News::Quiet(quiet));
    let places: Vec<(&'static dyn Resource, Region)> = request
        .tables
        .iter()
        .filter_map(|table| crate::resource(table))
        .flat_map(|resource| {
            let regions = resource.kind().places(&request.regions).into_iter();
            regions.map(move |region| (resource, region))
        })
        .collect();
    let lists = join_all(places.iter().map(|(resource, region)| {
        let (reader, memory) = (reader.in_region(region), memory.clone());
        let (tell, quiet) = (&tell, &quiet);
        async move {
            let objects = reader.objects(*resource).await?;
            if request.piecemeal {
                tell(News::Objects(objects.to_vec()));
                tell(News::Read(resource.kind().table, region.clone()));
                return Ok(Verdict::default());
            }
            memory.await.doubts.settle(&reader, *resource, quiet).await
        }
    }))
    .await;
    let mut reading = Reading::default();
    let mut gone = HashSet::new();
    let nothing_read = lists.iter().all(Result::is_err);
    for ((resource, region), list) in places.into_iter().zip(lists) {
        match list {
            Ok(verdict) => {
                reading.objects.extend(verdict.missed);
                gone.extend(verdict.gone);
            }
            Err(error) if nothing_read && concerns_all(error.class) => return Err(error),
            Err(error) => reading.unread.push(Unread {
                table: resource.kind().table,
                region,
                error,
            }),
        }
    }
    reading.unsaid = reader.unsaid();
    if request.piecemeal {
        return Ok(reading);
    }
    let mut objects = reader.into_objects();
    if !gone.is_empty() {
        objects.retain(|object| !gone.contains(&object.key()));
    }
    objects.append(&mut reading.objects);
    reading.objects = objects;
    Ok(reading)
}

/// A memory in the form in which the lists share it.
#[derive(Clone)]
struct Recalled {
    known: Rc<KnownRows>,
    doubts: Rc<Doubts>,
}

impl Recalled {
    fn new(memory: Memory) -> Recalled {
        let expected = memory.known.keys().cloned().chain(memory.made);
        Recalled {
            doubts: Rc::new(Doubts::new(
                expected,
                memory.young,
                memory.deleted,
                memory.lost,
            )),
            known: Rc::new(memory.known),
        }
    }
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
