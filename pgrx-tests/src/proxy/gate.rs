//! Holding a call until the test lets it go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::{Result, wait_for};

/// A gate at which calls wait. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    arrived: AtomicUsize,
    /// Has no permits, ever: to close it lets everybody go on.
    barrier: Semaphore,
}

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self(Arc::new(Inner {
            arrived: AtomicUsize::new(0),
            barrier: Semaphore::new(0),
        }))
    }

    /// Waits until a call is held here.
    pub fn wait_until_reached(&self) -> Result {
        wait_for("a call to reach the gate", Duration::from_secs(30), || {
            Ok((self.0.arrived.load(Ordering::SeqCst) > 0).then_some(()))
        })
    }

    /// Opens the gate for good.
    pub fn open(&self) {
        self.0.barrier.close();
    }

    /// Waits at the gate.
    pub(super) async fn pass(&self) {
        self.0.arrived.fetch_add(1, Ordering::SeqCst);
        // The error is that the semaphore was closed: the gate is open.
        let _ = self.0.barrier.acquire().await;
    }
}
