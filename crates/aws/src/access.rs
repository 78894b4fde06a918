//! Access to one region: the clients, and the one way in which a call is sent.

use crate::error::{AwsError, Class};
use crate::operation::Operation;
use crate::session::{Clients, Session};
use crate::writer::Stop;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::LocalBoxFuture;
use iasql_engine::Region;
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

/// Access to one region of the account. Dereferences to the region's clients.
#[derive(Clone)]
pub struct Access {
    session: Rc<Session>,
    region: Region,
    clients: Rc<Clients>,
    stop: Stop,
}

impl Deref for Access {
    type Target = Clients;
    fn deref(&self) -> &Clients {
        &self.clients
    }
}

impl Access {
    pub(crate) fn new(session: Rc<Session>, region: Region) -> Access {
        let calls = if region.as_str().is_empty() {
            session.region().clone()
        } else {
            region.clone()
        };
        let clients = session.clients(&calls);
        Access {
            session,
            region,
            clients,
            stop: Stop::default(),
        }
    }

    /// The same access for a run that may have to stop: then its reads are dropped, and no more calls leave.
    pub(crate) fn stoppable(self, stop: Stop) -> Access {
        Access { stop, ..self }
    }

    /// The same access to another region.
    pub fn in_region(&self, region: &Region) -> Access {
        Access::new(Rc::clone(&self.session), region.clone()).stoppable(self.stop.clone())
    }

    /// The region; empty for global kinds.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The session.
    pub fn session(&self) -> &Rc<Session> {
        &self.session
    }

    /// Sends a call that changes nothing, and sends it again where that can help.
    pub async fn read<O, E, F>(
        &self,
        operation: Operation,
        send: impl Fn() -> F,
    ) -> Result<O, AwsError>
    where
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.unless_stopped(operation, Box::pin(self.read_patiently(operation, send)))
            .await?
    }

    async fn read_patiently<O, E, F>(
        &self,
        operation: Operation,
        send: impl Fn() -> F,
    ) -> Result<O, AwsError>
    where
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut attempt = 0;
        loop {
            let error = match self.send(operation, &send).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            match pause(error.class, attempt) {
                Some(pause) => {
                    self.slow_down(&error, pause);
                    tokio::time::sleep(pause).await;
                }
                None => return Err(error),
            }
            attempt += 1;
        }
    }

    /// What comes of the work, or at once that the run is to stop.
    async fn unless_stopped<T>(
        &self,
        operation: Operation,
        work: LocalBoxFuture<'_, T>,
    ) -> Result<T, AwsError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stop.requested() => Err(AwsError::cancelled(operation)),
            done = work => Ok(done),
        }
    }

    /// Sends a call once.
    pub(crate) async fn send<O, E, F>(
        &self,
        operation: Operation,
        send: &impl Fn() -> F,
    ) -> Result<O, AwsError>
    where
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let its_turn = self.session.limiter().acquire(operation, &self.region);
        self.unless_stopped(operation, Box::pin(its_turn)).await?;
        send()
            .await
            .map_err(|error| AwsError::from_sdk(operation, error).without(self.session.secrets()))
    }

    /// A throttle answer closes the bucket for all calls.
    pub(crate) fn slow_down(&self, error: &AwsError, pause: Duration) {
        if error.class == Class::Throttled {
            self.session
                .limiter()
                .throttled(error.operation, &self.region, pause);
        }
    }
}

/// How long to wait before the next attempt after this failure; None where another attempt cannot help.
pub(crate) fn pause(class: Class, attempt: u32) -> Option<Duration> {
    let (attempts, first) = match class {
        Class::Throttled => (10, Duration::from_millis(250)),
        Class::Fault | Class::NoAnswer | Class::Malformed => (2, Duration::from_millis(150)),
        Class::NotSent => (2, Duration::from_millis(100)),
        Class::Credentials
        | Class::Denied
        | Class::Refused
        | Class::Unsupported
        | Class::Cancelled => return None,
    };
    (attempt < attempts).then(|| (first * 2u32.pow(attempt)).min(Duration::from_secs(20)))
}
