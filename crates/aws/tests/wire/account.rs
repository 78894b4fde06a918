//! An AWS account that a script plays, and the calls of a table against it.

use crate::replay::{Call, Replay, Request, call};
use iasql_aws::error::AwsError;
use iasql_aws::resource::{Changed, KnownRows, Reader, Resource};
use iasql_aws::session::{Credentials, Patience, Session, Settings};
use iasql_aws::writer::{Companion, Message, Stop, Writer};
use iasql_engine::kind::{Repeat, Scope};
use iasql_engine::{CloudId, Object, Region, Row};
use serde_json::json;
use std::cell::RefCell;
use std::future::ready;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// The region of the session and of everything regional.
pub const REGION: &str = "us-east-2";

/// The owner tag that the create of a kind without a unique name carries.
pub const OWNER: &str = "database/intent";

/// Expects the call that asks who calls.
pub fn identity() -> Call {
    call("GetCallerIdentity", json!({})).xml(
        "<Arn>arn:aws:iam::123456789012:user/ana</Arn><UserId>AIDA</UserId><Account>123456789012</Account>",
    )
}

/// The account.
pub struct Account {
    replay: Replay,
    runtime: Runtime,
    session: Rc<Session>,
    known: KnownRows,
    replaces: Option<Object>,
}

/// What a step gave and what it told the run.
#[derive(Debug)]
pub struct Step<T> {
    /// What it gave.
    pub result: T,
    /// The ids that the journal learned of, in their order.
    pub made: Vec<CloudId>,
    /// What the step said that it waits for.
    pub waited: Vec<String>,
    /// What AWS made along with the object.
    pub brought: Vec<Companion>,
}

/// Keys, as in a user mapping.
pub fn keys() -> Credentials {
    Credentials::Keys {
        access_key_id: "test".to_owned(),
        secret_access_key: "test".to_owned(),
        session_token: None,
    }
}

impl Account {
    /// An account that answers by this script.
    pub fn new(script: impl IntoIterator<Item = Call>) -> Account {
        Account::called_with(keys(), script)
    }

    /// An account that answers by this script to calls with these credentials.
    pub fn called_with(
        credentials: Credentials,
        script: impl IntoIterator<Item = Call>,
    ) -> Account {
        let replay = Replay::new(script);
        let endpoint_url = replay.endpoint_url();
        Account::with(credentials, replay, endpoint_url)
    }

    /// An account that is looked for at this endpoint.
    pub fn at(endpoint_url: String) -> Account {
        Account::with(keys(), Replay::new([]), endpoint_url)
    }

    fn with(credentials: Credentials, replay: Replay, endpoint_url: String) -> Account {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let session = runtime.block_on(Session::new(&Settings {
            credentials,
            endpoint_url: Some(endpoint_url),
            region: Some(REGION.to_owned()),
            request_limits: NonZeroU32::MIN,
        }));
        Account {
            replay,
            runtime,
            session: Rc::new(session),
            known: KnownRows::new(),
            replaces: None,
        }
    }

    /// Lets the readers know what this object looked like at the last agreement.
    pub fn knowing(mut self, object: Object) -> Account {
        self.known.insert(object.key(), object.row);
        self
    }

    /// Lets creates replace this object.
    pub fn replacing(mut self, object: Object) -> Account {
        self.replaces = Some(object);
        self
    }

    /// The session.
    pub fn session(&self) -> &Rc<Session> {
        &self.session
    }

    /// Waits for a future.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The requests that came, in their order.
    pub fn requests(&self) -> Vec<Request> {
        self.replay.requests()
    }

    /// A reader for the objects of a table.
    pub fn reader(&self, resource: &dyn Resource) -> Reader {
        let region = match resource.kind().scope {
            Scope::Global => Region::default(),
            Scope::Regional => Region::from(REGION),
        };
        Reader::with_known(
            self.session.access(&region),
            ready(Rc::new(self.known.clone())),
        )
    }

    /// Reads the table's list.
    pub fn list(&self, resource: &dyn Resource) -> Result<Vec<Object>, AwsError> {
        self.run(resource.list(&self.reader(resource)))
    }

    /// Reads one object.
    pub fn describe(&self, resource: &dyn Resource, id: &str) -> Result<Option<Object>, AwsError> {
        self.run(resource.describe(&self.reader(resource), &id.into()))
    }

    /// Makes the object that the row describes.
    pub fn create(&self, resource: &dyn Resource, row: &Row) -> Step<Result<Object, AwsError>> {
        self.write(resource, async |writer| resource.create(writer, row).await)
    }

    /// Changes these columns of the object to the row's values.
    pub fn update(
        &self,
        resource: &dyn Resource,
        object: &Object,
        row: &Row,
        changed: &[&'static str],
    ) -> Step<Result<(), AwsError>> {
        let changed = Changed::new(changed.iter().copied());
        self.write(resource, async |writer| {
            resource.update(writer, object, row, &changed).await
        })
    }

    /// Does what a create left undone that was cut off.
    pub fn finish(
        &self,
        resource: &dyn Resource,
        object: &Object,
        row: &Row,
    ) -> Step<Result<(), AwsError>> {
        self.write(resource, async |writer| {
            resource.finish(writer, object, row).await
        })
    }

    /// Deletes the object.
    pub fn delete(&self, resource: &dyn Resource, object: &Object) -> Step<Result<(), AwsError>> {
        self.write(resource, async |writer| {
            resource.delete(writer, object).await
        })
    }

    /// Runs a step. Every call may leave at once; what the journal would learn is kept.
    pub fn write<T>(
        &self,
        resource: &dyn Resource,
        work: impl AsyncFnOnce(&Writer) -> T,
    ) -> Step<T> {
        let (messages, mut told) = mpsc::unbounded_channel();
        let kind = resource.kind();
        let writer = Writer {
            reader: self.reader(resource),
            kind,
            step: 0,
            owner_tag: (kind.repeat == Repeat::OwnerTag).then(|| OWNER.to_owned()),
            replaces: self.replaces.clone(),
            patience: Patience {
                propagation: Duration::from_secs(2),
                in_use: Duration::from_secs(2),
                quiet: Duration::ZERO,
            },
            stop: Stop::default(),
            messages,
            companions: RefCell::default(),
        };
        let work = async move {
            let result = work(&writer).await;
            (result, writer.companions.take())
        };
        let journal = async {
            let (mut made, mut waited, mut open) = (Vec::new(), Vec::new(), Vec::new());
            while let Some(message) = told.recv().await {
                match message {
                    Message::Begin {
                        operation, leave, ..
                    } => {
                        open.push(operation);
                        leave.send(true).expect("the call waits");
                    }
                    Message::Answer {
                        operation,
                        made: id,
                        ..
                    } => {
                        let begun = open.iter().position(|begun| *begun == operation);
                        open.remove(begun.expect("an answer follows its begin"));
                        made.extend(id);
                    }
                    Message::Waiting { what, .. } => waited.push(what),
                }
            }
            assert!(open.is_empty(), "begun and not answered: {open:?}");
            (made, waited)
        };
        let ((result, brought), (made, waited)) = self.run(async { tokio::join!(work, journal) });
        Step {
            result,
            made,
            waited,
            brought,
        }
    }
}
