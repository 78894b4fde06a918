//! A shared memory segment with a queue in each direction, between a backend and the worker it started.
//!
//! The queues are Postgres's own (`shm_mq`): they carry messages of any size, wake the other side by its latch, and
//! say when the other side has gone, however it went.

use pgrx::{PgMemoryContexts, pg_sys};
use std::ptr::null_mut;
use std::time::Instant;

/// The size of the queue to the worker. Longer messages pass through it piece by piece.
const REQUESTS: usize = 64 * 1024;

/// The size of the queue from the worker.
const REPLIES: usize = 8 * 1024;

/// Why a message did not get through. Half of it may have, so the mailbox is of no use afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The other side has gone, or the server has.
    Gone,
    /// The time was up.
    Late,
}

/// One process's end of the mailbox.
///
/// With an `end`, sending and receiving wait until then and service no interrupts: the caller does, when the mailbox is
/// at rest again. Without, they wait as long as it takes and service interrupts; that is for the worker.
pub(super) struct Mailbox {
    segment: *mut pg_sys::dsm_segment,
    outgoing: *mut pg_sys::shm_mq_handle,
    incoming: *mut pg_sys::shm_mq_handle,
    /// The worker at the other end, as the queue knows it; null in the worker itself.
    worker: *mut pg_sys::BackgroundWorkerHandle,
}

impl Mailbox {
    /// Makes a mailbox; `None` if the server has no segment left.
    pub(super) fn create() -> Option<Self> {
        let flags = pg_sys::DSM_CREATE_NULL_IF_MAXSEGMENTS.cast_signed();
        // SAFETY: a segment that is not null is mapped, aligned and as long as asked for, so both queues fit. The
        // mapping is pinned: no rollback takes it away, only `drop` or the end of the process.
        unsafe {
            let segment = pg_sys::dsm_create(REQUESTS + REPLIES, flags);
            if segment.is_null() {
                return None;
            }
            pg_sys::dsm_pin_mapping(segment);
            let start = pg_sys::dsm_segment_address(segment);
            let requests = pg_sys::shm_mq_create(start, REQUESTS);
            let replies = pg_sys::shm_mq_create(start.byte_add(REQUESTS), REPLIES);
            Some(Self::open(segment, requests, replies))
        }
    }

    /// Takes the other end of the mailbox with this handle; `None` if its maker has gone.
    ///
    /// # Safety
    /// The handle comes from [`Mailbox::handle`], and no other process takes this end.
    pub(super) unsafe fn attach(handle: pg_sys::dsm_handle) -> Option<Self> {
        // SAFETY: `create` laid out the segment. A worker that is starting has no resource owner that could unmap it.
        unsafe {
            let segment = pg_sys::dsm_attach(handle);
            if segment.is_null() {
                return None;
            }
            let requests = pg_sys::dsm_segment_address(segment);
            let replies = requests.byte_add(REQUESTS);
            Some(Self::open(segment, replies.cast(), requests.cast()))
        }
    }

    /// # Safety
    /// The queues lie in the segment, and nobody else is the sender of the one or the receiver of the other.
    unsafe fn open(
        segment: *mut pg_sys::dsm_segment,
        outgoing: *mut pg_sys::shm_mq,
        incoming: *mut pg_sys::shm_mq,
    ) -> Self {
        // SAFETY: by the contract. The handles must outlive the caller's memory context, as the mailbox may.
        unsafe {
            pg_sys::shm_mq_set_sender(outgoing, pg_sys::MyProc);
            pg_sys::shm_mq_set_receiver(incoming, pg_sys::MyProc);
            PgMemoryContexts::TopMemoryContext.switch_to(|_| Self {
                segment,
                outgoing: pg_sys::shm_mq_attach(outgoing, segment, null_mut()),
                incoming: pg_sys::shm_mq_attach(incoming, segment, null_mut()),
                worker: null_mut(),
            })
        }
    }

    /// What the worker needs to attach.
    pub(super) fn handle(&self) -> pg_sys::dsm_handle {
        // SAFETY: the segment is mapped as long as `self` lives.
        unsafe { pg_sys::dsm_segment_handle(self.segment) }
    }

    /// Starts the worker that will attach. Its death before it has done so is seen as well. Returns whether there was a
    /// slot for it.
    pub(super) fn start(&mut self, worker: &mut pg_sys::BackgroundWorker) -> bool {
        // SAFETY: both places are there. The handle must live as long as the queue, which may outlive the caller's
        // memory context.
        unsafe {
            let registered = PgMemoryContexts::TopMemoryContext.switch_to(|_| {
                pg_sys::RegisterDynamicBackgroundWorker(worker, &raw mut self.worker)
            });
            if registered {
                pg_sys::shm_mq_set_handle(self.incoming, self.worker);
            }
            registered
        }
    }

    /// Sends a message.
    pub(super) fn send(&mut self, message: &[u8], end: Option<Instant>) -> Result<(), Lost> {
        let (length, start) = (message.len(), message.as_ptr().cast());
        // SAFETY: the message outlives the attempts, which are all made with the same message as they must be.
        attempt(end, || unsafe {
            pg_sys::shm_mq_send(self.outgoing, length, start, end.is_some(), true)
        })
    }

    /// Receives a message.
    pub(super) fn receive(&mut self, end: Option<Instant>) -> Result<Vec<u8>, Lost> {
        let (mut length, mut start) = (0, null_mut());
        // SAFETY: the places to write to are there.
        attempt(end, || unsafe {
            pg_sys::shm_mq_receive(self.incoming, &mut length, &mut start, end.is_some())
        })?;
        // SAFETY: the queue has said where the message is; it stays there until the next one is received.
        Ok(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) }.to_vec())
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // SAFETY: all are live, and not used again. Detaching tells the other side, and forgets the worker.
        unsafe {
            pg_sys::shm_mq_detach(self.outgoing);
            pg_sys::shm_mq_detach(self.incoming);
            pg_sys::dsm_detach(self.segment);
            if !self.worker.is_null() {
                pg_sys::pfree(self.worker.cast());
            }
        }
    }
}

/// Tries until the queue has taken or given the message, and waits for the other side in between.
fn attempt(
    end: Option<Instant>,
    mut pass: impl FnMut() -> pg_sys::shm_mq_result::Type,
) -> Result<(), Lost> {
    loop {
        match (pass(), end) {
            (pg_sys::shm_mq_result::SHM_MQ_SUCCESS, _) => return Ok(()),
            (pg_sys::shm_mq_result::SHM_MQ_WOULD_BLOCK, Some(end)) => wait_for_latch(end)?,
            _ => return Err(Lost::Gone),
        }
    }
}

fn wait_for_latch(end: Instant) -> Result<(), Lost> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Lost::Late);
    }
    let events =
        (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_POSTMASTER_DEATH).cast_signed();
    let milliseconds = left.as_millis() as std::ffi::c_long + 1;
    // SAFETY: a process with a database connection owns its latch.
    let woken = unsafe {
        let woken = pg_sys::WaitLatch(
            pg_sys::MyLatch,
            events,
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
        woken.cast_unsigned()
    };
    if woken & pg_sys::WL_POSTMASTER_DEATH == 0 {
        Ok(())
    } else {
        Err(Lost::Gone)
    }
}
