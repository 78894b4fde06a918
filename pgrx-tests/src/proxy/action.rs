//! What can be done to a call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Gate, Reply};

/// What the proxy does to a call.
#[derive(Debug, Clone)]
pub enum Action {
    /// Nothing but pass it on.
    Forward,
    /// Wait, then forward.
    Delay(Duration),
    /// Answer in the cloud's place; it is not forwarded.
    Reply(Reply),
    /// Close the connection; it is not forwarded.
    DropBefore,
    /// Forward, wait for the answer, and close the connection instead of passing it back: the cloud has done it and
    /// the caller does not know.
    LoseReply,
    /// Like `LoseReply`, but in the middle of the answer's body.
    ResetMidBody,
    /// Forward only when the gate opens, whether or not the caller is still there.
    HoldBefore(Gate),
    /// Hold until the gate opens, then close the connection; it is never forwarded.
    HoldAndDrop(Gate),
    /// Forward at once, answer only when the gate opens.
    HoldAfter(Gate),
    /// Forward, and answer what this makes of the cloud's answer.
    Alter(Alteration),
}

/// Makes another answer of the cloud's.
#[derive(Clone)]
pub struct Alteration(Arc<dyn Fn(Reply) -> Reply + Send + Sync>);

impl Alteration {
    /// By this function. It must not block.
    pub fn new(alter: impl Fn(Reply) -> Reply + Send + Sync + 'static) -> Self {
        Self(Arc::new(alter))
    }

    pub(super) fn of(&self, reply: Reply) -> Reply {
        (self.0)(reply)
    }
}

impl fmt::Debug for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alteration")
    }
}
