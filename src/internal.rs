//! The extension's own tables, which users cannot touch.
//!
//! Fixed, qualified statements run as the extension's owner, with a pinned search path, so that nothing a user
//! creates can stand in for what they name. Nothing here runs text that a user gave.

use crate::sql;
use pgrx::pg_sys;

/// Runs fixed statements as the extension's owner.
pub fn as_owner<T>(statements: impl FnOnce() -> T) -> T {
    let _owner = Owner::enter();
    statements()
}

struct Owner {
    user: pg_sys::Oid,
    context: i32,
    settings: i32,
}

impl Owner {
    fn enter() -> Owner {
        let mut user = pg_sys::InvalidOid;
        let mut context = 0;
        // SAFETY: plain calls on the backend's Postgres thread. When an error leaves the guarded statements,
        // Postgres itself restores the user and the settings with the (sub)transaction.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            let settings = pg_sys::NewGUCNestLevel();
            pg_sys::set_config_option(
                c"search_path".as_ptr(),
                c"pg_catalog, pg_temp".as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
            pg_sys::SetUserIdAndSecContext(
                extension_owner(),
                context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32,
            );
            Owner {
                user,
                context,
                settings,
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // An error is on its way: the abort of the (sub)transaction restores both.
            return;
        }
        // SAFETY: restores what `enter` found.
        unsafe {
            pg_sys::AtEOXact_GUC(false, self.settings);
            pg_sys::SetUserIdAndSecContext(self.user, self.context);
        }
    }
}

/// The owner of schema `iasql`, who is the owner of the extension.
fn extension_owner() -> pg_sys::Oid {
    let owner = sql::value(
        "SELECT extowner FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'iasql'",
        &[],
    );
    owner
        .and_then(|owner| owner.parse::<u32>().ok())
        .map_or(pg_sys::InvalidOid, pg_sys::Oid::from)
}
