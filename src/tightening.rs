//! Tightening a guard. Postgres lets only superusers `SET` one, and whom they allow, since `SET` loosens as well; this only
//! tightens, and so anybody may do it for what is left of the session.

use crate::report::Problem;
use crate::sql;
use pgrx::pg_sys;
use std::ffi::CString;

/// A guard, and what it may be: the first is the tightest.
struct Guard {
    setting: &'static str,
    values: &'static [&'static str],
}

const GUARDS: [Guard; 2] = [
    Guard {
        setting: "iasql.adopt",
        values: &["equal", "overwrite"],
    },
    // The later ones undo more of what others have done.
    Guard {
        setting: "iasql.on_drift",
        values: &["refuse", "keep", "owned", "enforce"],
    },
];

/// The guard whose values are numbers.
const MAX_DELETES: &str = "iasql.max_deletes";

/// Sets the guard, unless it is as tight already; returns what is in force then.
pub fn tighten(setting: &str, value: &str) -> Result<String, Problem> {
    let setting = setting.to_lowercase();
    let wanted = looseness(&setting, value)?;
    let current =
        sql::value("SELECT pg_catalog.current_setting($1)", &[Some(&setting)]).unwrap_or_default();
    if wanted >= looseness(&setting, &current)? {
        return Ok(current);
    }
    set(&setting, value);
    Ok(value.to_owned())
}

/// How loose a guard of this value is.
fn looseness(setting: &str, value: &str) -> Result<usize, Problem> {
    let invalid = || Problem::GuardValue {
        setting: setting.to_owned(),
        value: value.to_owned(),
    };
    if setting == MAX_DELETES {
        return match value.parse::<i32>() {
            Ok(-1) => Ok(usize::MAX),
            Ok(number) => usize::try_from(number).map_err(|_| invalid()),
            Err(_) => Err(invalid()),
        };
    }
    let guard = GUARDS.iter().find(|guard| guard.setting == setting);
    let guard = guard.ok_or_else(|| Problem::NoGuard {
        setting: setting.to_owned(),
    })?;
    let position = guard.values.iter().position(|known| *known == value);
    position.ok_or_else(invalid)
}

/// Sets what the caller may not set: for the session, and like any `SET` only if the transaction commits.
fn set(setting: &str, value: &str) {
    let (Ok(setting), Ok(value)) = (CString::new(setting), CString::new(value)) else {
        return;
    };
    // SAFETY: a plain call on the backend's Postgres thread, with strings that end in a zero byte. What is wrong with
    // them Postgres raises.
    unsafe {
        pg_sys::set_config_option(
            setting.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SET,
            true,
            0,
            false,
        );
    }
}
