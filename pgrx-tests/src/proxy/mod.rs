//! A proxy in front of the emulator that records every call and, where a test says so, does to it what networks and
//! AWS do: delays, throttling, errors, and replies that are lost after the call was carried out.

mod action;
mod call;
mod gate;
mod reply;
mod server;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use action::{Action, Alteration};
pub use call::Call;
pub use gate::Gate;
pub use reply::Reply;

use crate::{Error, Result};

/// A running proxy. Dropping it closes its port.
#[derive(Debug)]
pub struct Proxy {
    endpoint: String,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy that forwards to this endpoint (`http://host:port`).
    pub fn start(upstream: &str) -> Result<Self> {
        let malformed = || Error::Malformed {
            what: "an endpoint",
            text: upstream.to_owned(),
        };
        let upstream = upstream
            .strip_prefix("http://")
            .ok_or_else(malformed)?
            .to_owned();
        let state = Arc::new(State::new(upstream));
        let (stop, stopped) = oneshot::channel();
        let (address, thread) = server::start(Arc::clone(&state), stopped)?;
        Ok(Self {
            endpoint: format!("http://{address}"),
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// From now on this function decides what happens to each call. It must not block.
    pub fn set_rule(&self, rule: impl Fn(&Call) -> Action + Send + Sync + 'static) {
        *self
            .state
            .rule
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(rule);
    }

    /// From now on every call is forwarded.
    pub fn forward_all(&self) {
        self.set_rule(|_| Action::Forward);
    }

    /// All calls so far, in the order in which they arrived.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls().clone()
    }

    /// Forgets the calls so far; counting starts again.
    pub fn forget_calls(&self) {
        self.state.calls().clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It has nothing to say when it ends, and a panic in it was printed.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What the test and the proxy's thread share.
struct State {
    upstream: String,
    calls: Mutex<Vec<Call>>,
    rule: Mutex<Arc<Rule>>,
}

type Rule = dyn Fn(&Call) -> Action + Send + Sync;

impl State {
    fn new(upstream: String) -> Self {
        Self {
            upstream,
            calls: Mutex::default(),
            rule: Mutex::new(Arc::new(|_: &Call| Action::Forward)),
        }
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a call that has arrived and asks the rule about it.
    fn admit(&self, mut call: Call) -> (Call, Action) {
        let mut calls = self.calls();
        call.occurrence = 1 + calls
            .iter()
            .filter(|earlier| earlier.name == call.name)
            .count();
        calls.push(call.clone());
        drop(calls);
        let rule = Arc::clone(&*self.rule.lock().unwrap_or_else(PoisonError::into_inner));
        let action = rule(&call);
        (call, action)
    }

    /// Notes what became of a call, if it was not forgotten meanwhile.
    fn note(&self, call: &Call, change: impl FnOnce(&mut Call)) {
        if let Some(recorded) = self
            .calls()
            .iter_mut()
            .find(|recorded| recorded.id == call.id)
        {
            change(recorded);
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("upstream", &self.upstream)
            .finish_non_exhaustive()
    }
}
