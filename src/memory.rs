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
