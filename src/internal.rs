//! With whose rights statements run: the extension's owner for its own tables, which users cannot touch, and a module
//! table's owner for that table.

use crate::local::LocalSettings;
use crate::sql;
use pgrx::pg_sys;

/// Runs fixed, qualified statements as the extension's owner, with a pinned search path, so that nothing a user creates
/// can stand in for what they name. Nothing here runs text that a user gave.
pub fn as_owner<T>(statements: impl FnOnce() -> T) -> T {
    let _settings = LocalSettings::safe_path();
    let _owner = Acting::enter(extension_owner(), pg_sys::SECURITY_LOCAL_USERID_CHANGE);
    statements()
}

/// Runs statements on a module table as the table's owner, where the caller has that role's rights anyway. What the
/// owner has hung on the table (triggers, rules, checks) then can neither use the rights of a mightier caller nor change
/// the caller's session. Any other caller runs them with its own rights.
pub fn as_table_owner<T>(owner: pg_sys::Oid, statements: impl FnOnce() -> T) -> T {
    // SAFETY: plain reads of the backend's state on its Postgres thread.
    let switch = unsafe {
        let caller = pg_sys::GetUserId();
        caller != owner && pg_sys::has_privs_of_role(caller, owner)
    };
    match switch {
        true => acting_as(owner, statements),
        false => {
            let _settings = LocalSettings::enter(&[]);
            statements()
        }
    }
}

/// Runs statements as a role, in a way in which they cannot change the session.
pub fn acting_as<T>(role: pg_sys::Oid, statements: impl FnOnce() -> T) -> T {
    let _settings = LocalSettings::enter(&[]);
    let local = pg_sys::SECURITY_LOCAL_USERID_CHANGE;
    let _role = Acting::enter(role, local | pg_sys::SECURITY_RESTRICTED_OPERATION);
    statements()
}

/// Another role acts until this is dropped. When an error leaves the guarded statements, Postgres itself restores the
/// role with the (sub)transaction.
struct Acting {
    user: pg_sys::Oid,
    context: i32,
}

impl Acting {
    fn enter(role: pg_sys::Oid, context: u32) -> Acting {
        let mut before = Acting {
            user: pg_sys::InvalidOid,
            context: 0,
        };
        // SAFETY: plain calls on the backend's Postgres thread, with valid pointers.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut before.user, &mut before.context);
            pg_sys::SetUserIdAndSecContext(role, before.context | context.cast_signed());
        }
        before
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: restores what `enter` found.
            unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) }
        }
    }
}

fn extension_owner() -> pg_sys::Oid {
    let owner = sql::value(
        "SELECT extowner FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'iasql'",
        &[],
    );
    owner.map_or(pg_sys::InvalidOid, |owner| sql::oid(&owner))
}
