//! What can be done to a call.

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
    /// Forward at once, answer only when the gate opens.
    HoldAfter(Gate),
}
