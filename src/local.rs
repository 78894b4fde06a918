//! Settings that hold for some statements only.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Settings that hold until this is dropped, and with it goes whatever statements set meanwhile. When an error leaves
/// the guarded statements, Postgres itself restores the settings with the (sub)transaction.
pub struct LocalSettings(i32);

impl LocalSettings {
    /// Sets these settings.
    pub fn enter(settings: &[(&CStr, &CStr)]) -> LocalSettings {
        // SAFETY: plain calls on the backend's Postgres thread, with strings that end in a zero byte.
        unsafe {
            let level = pg_sys::NewGUCNestLevel();
            for (name, value) in settings {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
                    pg_sys::GucContext::PGC_USERSET,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            }
            LocalSettings(level)
        }
    }

    /// Only what Postgres itself brings is found by its bare name.
    pub fn safe_path() -> LocalSettings {
        LocalSettings::enter(&[(c"search_path", c"pg_catalog, pg_temp")])
    }
}

impl Drop for LocalSettings {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: leaves the level that `enter` made.
            unsafe { pg_sys::AtEOXact_GUC(false, self.0) }
        }
    }
}
