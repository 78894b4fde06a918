//! Sends the calls that change the cloud: each is journaled before it leaves and when it is answered.

use crate::access::{Access, pause};
use crate::doubt::unanswered;
use crate::error::AwsError;
use crate::operation::Operation;
use crate::resource::Reader;
use crate::session::Patience;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
pub use iasql_engine::execute::{Companion, Unmatched};
use iasql_engine::{CloudId, Kind, Object};
use std::cell::RefCell;
use std::ops::Deref;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// What the code of a step tells the run.
pub enum Message {
    /// A call is ready. It leaves when the begin is durable; an answer of `false` forbids it.
    Begin {
        /// The step.
        step: usize,
        /// The call.
        operation: Operation,
        /// Told when the call may leave.
        leave: oneshot::Sender<bool>,
    },
    /// A call has ended.
    Answer {
        /// The step.
        step: usize,
        /// The call.
        operation: Operation,
        /// The id of the object that it made.
        made: Option<CloudId>,
        /// The request's id, or what went wrong.
        outcome: Result<Option<String>, AwsError>,
    },
    /// A step waits for AWS.
    Waiting {
        /// The step.
        step: usize,
        /// For what.
        what: String,
    },
}

/// Sends the calls of one step. Dereferences to [`Access`].
pub struct Writer {
    /// Reads in the step's region.
    pub reader: Reader,
    /// The kind of the step's object.
    pub kind: &'static Kind,
    /// The number of the step.
    pub step: usize,
    /// See [`Writer::owner_tag`].
    pub owner_tag: Option<String>,
    /// See [`Writer::replaces`].
    pub replaces: Option<Object>,
    /// How long to wait for what.
    pub patience: Patience,
    /// Whether the run is to stop.
    pub stop: Stop,
    /// To the run.
    pub messages: mpsc::UnboundedSender<Message>,
    /// What AWS made along with the step's object.
    pub companions: RefCell<Vec<Companion>>,
}

/// What a call does, which decides what its failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Makes the object: sent again only when it was answered.
    Create,
    /// May be sent twice.
    Change,
    /// Deletes the object, and may be sent twice.
    Delete,
}

impl Deref for Writer {
    type Target = Access;
    fn deref(&self) -> &Access {
        &self.reader
    }
}

impl Writer {
    /// The owner tag (`iasql:owner`) that the create call of this step must carry; only for kinds that neither a name
    /// nor attributes identify.
    pub fn owner_tag(&self) -> Option<&str> {
        self.owner_tag.as_deref()
    }

    /// The object that this create replaces, as it was read.
    pub fn replaces(&self) -> Option<&Object> {
        self.replaces.as_ref()
    }

    /// A reader of the same region.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Says that AWS made this object along with ours.
    pub fn brought(&self, object: Object, unmatched: Unmatched) {
        self.companions
            .borrow_mut()
            .push(Companion { object, unmatched });
    }

    /// The object just made, as it was read back.
    pub fn made(&self, object: Option<Object>, operation: Operation) -> Result<Object, AwsError> {
        object.ok_or_else(|| AwsError::malformed(operation, "the object just made is not there"))
    }

    /// Sends the call that makes the object. It is not sent again when it was not answered: the run looks for the
    /// object first.
    pub async fn create<O, E, F>(
        &self,
        operation: Operation,
        send: impl Fn() -> F,
        id: impl Fn(&O) -> Option<CloudId>,
    ) -> Result<O, AwsError>
    where
        O: RequestId,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.call(operation, send, id, Act::Create).await
    }

    /// Sends a call that may be sent twice without harm.
    pub async fn write<O, E, F>(
        &self,
        operation: Operation,
        send: impl Fn() -> F,
    ) -> Result<O, AwsError>
    where
        O: RequestId,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.call(operation, send, |_| None, Act::Change).await
    }

    /// Sends the call that deletes the object, where AWS says with one code that an object is gone and that it is not
    /// known everywhere yet: here it means gone, and nothing is waited for.
    pub async fn delete<O, E, F>(
        &self,
        operation: Operation,
        send: impl Fn() -> F,
    ) -> Result<O, AwsError>
    where
        O: RequestId,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.call(operation, send, |_| None, Act::Delete).await
    }

    async fn call<O, E, F>(
        &self,
        operation: Operation,
        send: impl Fn() -> F,
        id: impl Fn(&O) -> Option<CloudId>,
        act: Act,
    ) -> Result<O, AwsError>
    where
        O: RequestId,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.begin(operation).await?;
        let started = Instant::now();
        let mut attempt = 0;
        let result = loop {
            let error = match self.reader.send(operation, &send).await {
                Ok(output) => break Ok(output),
                Err(error) => error,
            };
            let Some(pause) = self.pause(&error, attempt, started, act) else {
                break Err(error);
            };
            self.reader.slow_down(&error, pause);
            if self.waits(&error, pause).await {
                break Err(error);
            }
            attempt += 1;
        };
        self.tell(Message::Answer {
            step: self.step,
            operation,
            made: result.as_ref().ok().and_then(&id),
            outcome: match &result {
                Ok(output) => Ok(output
                    .request_id()
                    .map(|id| self.session().secrets().hidden_in(id))),
                Err(error) => Err(error.clone()),
            },
        });
        result
    }

    async fn begin(&self, operation: Operation) -> Result<(), AwsError> {
        let (leave, may_leave) = oneshot::channel();
        self.tell(Message::Begin {
            step: self.step,
            operation,
            leave,
        });
        match may_leave.await {
            Ok(true) => Ok(()),
            _ => Err(AwsError::cancelled(operation)),
        }
    }

    /// How long to wait before the next attempt; None where another attempt cannot help or could do harm.
    fn pause(
        &self,
        error: &AwsError,
        attempt: u32,
        started: Instant,
        act: Act,
    ) -> Option<Duration> {
        let waited = started.elapsed();
        let errors = &self.kind.errors;
        if error.is(errors.in_use) {
            return (waited < self.patience.in_use).then(|| slowly(attempt));
        }
        if act != Act::Delete && error.is(errors.propagation) {
            return (waited < self.patience.propagation).then(|| slowly(attempt));
        }
        if act == Act::Create && error.class.is_ambiguous() {
            return None;
        }
        pause(error.class, attempt)
    }

    /// Takes away an object, or a part of one. AWS also says of what was made moments ago that it does not exist. So that
    /// is believed only where it cannot be seen either; what is seen is taken away again, within the patience for what
    /// is not known everywhere yet.
    pub async fn take_away(
        &self,
        mut take: impl AsyncFnMut() -> Result<(), AwsError>,
        mut is_seen: impl AsyncFnMut() -> Result<bool, AwsError>,
    ) -> Result<(), AwsError> {
        let started = Instant::now();
        let mut attempt = 0;
        loop {
            let error = match take().await {
                Err(error) if error.is_absent(&self.kind.errors) => error,
                result => return result,
            };
            if !is_seen().await? {
                return Ok(());
            }
            if started.elapsed() >= self.patience.propagation
                || self.waits(&error, slowly(attempt)).await
            {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Asks again and again until the answer is there, within the bound for waiting.
    pub async fn until<T>(
        &self,
        operation: Operation,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<Option<T>, AwsError>,
    ) -> Result<Option<T>, AwsError> {
        let started = Instant::now();
        let mut attempt = 0;
        loop {
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if started.elapsed() >= self.patience.in_use {
                return Ok(None);
            }
            self.waiting(what.to_owned());
            if self.stop.within(slowly(attempt)).await {
                return Err(AwsError::cancelled(operation));
            }
            attempt += 1;
        }
    }

    /// Waits before another attempt after this failure; true, and at once, where the run is to stop.
    async fn waits(&self, error: &AwsError, pause: Duration) -> bool {
        self.waiting(format!("{error}; trying again"));
        self.stop.within(pause).await
    }

    /// Waits until lists show what an unanswered create may have made; true, and at once, where the run is to stop.
    pub(crate) async fn waits_for_lists(&self) -> bool {
        self.waiting(unanswered(self.patience.quiet));
        self.stop.within(self.patience.quiet).await
    }

    fn waiting(&self, what: String) {
        self.tell(Message::Waiting {
            step: self.step,
            what,
        });
    }

    fn tell(&self, message: Message) {
        // Nobody listens any more only when the run is being torn down; the begin of the next call notices.
        let _ = self.messages.send(message);
    }
}

/// Whether a run is to stop. The default never says so.
#[derive(Debug, Clone, Default)]
pub struct Stop(Option<watch::Receiver<bool>>);

impl Stop {
    /// Stops when `true` is sent, and when nobody can send any more.
    pub fn new(receiver: watch::Receiver<bool>) -> Stop {
        Stop(Some(receiver))
    }

    /// Waits until the run is to stop.
    pub async fn requested(&mut self) {
        match &mut self.0 {
            Some(receiver) => {
                let _ = receiver.wait_for(|stop| *stop).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Waits this long; true, and at once, where the run is to stop.
    pub async fn within(&self, pause: Duration) -> bool {
        let mut stop = self.clone();
        tokio::time::timeout(pause, stop.requested()).await.is_ok()
    }
}

/// Half a second, growing to ten.
fn slowly(attempt: u32) -> Duration {
    Duration::from_millis(500 * 2u64.pow(attempt.min(5))).min(Duration::from_secs(10))
}
