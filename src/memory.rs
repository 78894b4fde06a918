//! Memory that a run has used goes back to the system.

/// Gives the memory that is free back to the system when it is dropped. The allocator keeps what it once had: a backend
/// that has planned over a large account would hold it as long as its client stays.
pub struct GivesBack;

impl Drop for GivesBack {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the memory that is free back to the system.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a plain call, which touches no memory that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Free memory at the end of a thread's own, in bytes, up to which the allocator keeps it: its default at the start.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 128 * 1024;

/// Fixes how much free memory the allocator keeps at the end of a thread's own, which [`give_back`] does not reach. Each
/// large piece that is freed would raise it, to tens of megabytes. To be called before a thread is started.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a plain call that sets a number.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}
