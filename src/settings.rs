//! The settings, `iasql.*`. None of them holds a secret.

use crate::report::Problem;
use crate::sql;
use iasql_engine::plan::{Adopt, OnDrift, Rules};
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum, pg_sys};
use std::ffi::{CStr, CString};
use std::sync::OnceLock;
use std::time::Duration;

/// What to do about objects that exist already and differ.
#[derive(Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum AdoptSetting {
    /// Refuse the row.
    #[name = c"equal"]
    Equal,
    /// Make them what the row says.
    #[name = c"overwrite"]
    Overwrite,
}

/// What to do about changes that somebody else made.
#[derive(Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum OnDriftSetting {
    /// Put back what we have set.
    #[name = c"owned"]
    Owned,
    /// Put everything back.
    #[name = c"enforce"]
    Enforce,
    /// Keep everything.
    #[name = c"keep"]
    Keep,
    /// Refuse to go on.
    #[name = c"refuse"]
    Refuse,
}

static SERVER: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"aws"));
static ADOPT: GucSetting<AdoptSetting> = GucSetting::<AdoptSetting>::new(AdoptSetting::Equal);
static ON_DRIFT: GucSetting<OnDriftSetting> =
    GucSetting::<OnDriftSetting>::new(OnDriftSetting::Owned);
static MAX_DELETES: GucSetting<i32> = GucSetting::<i32>::new(-1);
static CANCEL_GRACE: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static WAIT_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(900);

static JOURNAL_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(90 * 24 * 60);
static ON_ERROR: GucSetting<OnErrorSetting> =
    GucSetting::<OnErrorSetting>::new(OnErrorSetting::Raise);

/// What apply does when a step fails.
#[derive(Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum OnErrorSetting {
    /// Raise an error once the independent rest is done.
    #[name = c"raise"]
    Raise,
    /// Return the failures as rows.
    #[name = c"report"]
    Report,
}

static REFRESH: GucSetting<Refresh> = GucSetting::<Refresh>::new(Refresh::All);

/// How much of AWS a plan reads.
#[derive(Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum Refresh {
    /// Every installed table.
    #[name = c"all"]
    All,
    /// The tables that have steps when nothing but the rows has changed.
    #[name = c"changed"]
    Changed,
    /// Nothing: what was last agreed on counts.
    #[name = c"off"]
    Off,
}

/// How much of AWS a plan reads.
pub fn refresh() -> Refresh {
    REFRESH.get()
}

/// The settings that only superusers loosen.
const GUARDS: [&CStr; 4] = [
    c"iasql.adopt",
    c"iasql.on_drift",
    c"iasql.max_deletes",
    c"iasql.journal_retention",
];

/// The guards whose value was set before the library was loaded, and was not taken when it was. See [`check_guards`].
static DISPLACED: OnceLock<Vec<&'static CStr>> = OnceLock::new();

/// Registers the settings. Called when the library is loaded.
pub fn register() {
    let set_before: Vec<&CStr> = GUARDS.into_iter().filter(|guard| is_set(guard)).collect();
    define();
    // SAFETY: a plain call on the backend's Postgres thread, with a string that ends in a zero byte.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"iasql".as_ptr()) };
    let displaced = set_before.into_iter().filter(|guard| !is_set(guard));
    DISPLACED.get_or_init(|| displaced.collect());
}

/// Whether a setting has another value to start from than the one it comes with.
fn is_set(setting: &CStr) -> bool {
    option(setting).is_some_and(|option| option.reset_source != pg_sys::GucSource::PGC_S_DEFAULT)
}

/// What Postgres knows about a setting, which it may not know yet what to make of.
#[cfg(feature = "pg15")]
fn option(setting: &CStr) -> Option<&'static pg_sys::config_generic> {
    let name = setting.to_bytes();
    // SAFETY: the list has as many pointers as Postgres says, to options that live as long as the process does (one that
    // stands for a setting not yet defined lives until it is; nobody holds it for that long).
    unsafe {
        let count = usize::try_from(pg_sys::GetNumConfigOptions()).unwrap_or_default();
        let options = std::slice::from_raw_parts(pg_sys::get_guc_variables(), count);
        options.iter().map(|option| &**option).find(|option| {
            CStr::from_ptr(option.name)
                .to_bytes()
                .eq_ignore_ascii_case(name)
        })
    }
}

/// What Postgres knows about a setting, which it may not know yet what to make of.
#[cfg(not(feature = "pg15"))]
fn option(setting: &CStr) -> Option<&'static pg_sys::config_generic> {
    // SAFETY: as above; the answer is null where there is no such setting.
    unsafe { pg_sys::find_option(setting.as_ptr(), false, true, 0).as_ref() }
}

/// A role that may not set a guard can still name one in the options of its connection. Postgres refuses that only when
/// the library is loaded, and by then it has forgotten what ALTER ROLE, ALTER DATABASE or the configuration said: the guard
/// would be as loose as it comes. So such a session does nothing.
pub fn check_guards() -> Result<(), Problem> {
    let displaced = DISPLACED.get().and_then(|guards| guards.first());
    match displaced.and_then(|guard| guard.to_str().ok()) {
        Some(setting) => Err(Problem::GuardDisplaced { setting }),
        None => Ok(()),
    }
}

/// Whether the current user may change this setting.
pub fn may_set(setting: &str) -> bool {
    let may = sql::value(
        "SELECT pg_catalog.has_parameter_privilege($1, 'SET')",
        &[Some(setting)],
    );
    may.as_deref() == Some("t")
}

fn define() {
    let none = GucFlags::default();
    GucRegistry::define_string_guc(
        c"iasql.server",
        c"The foreign server that says how to reach AWS.",
        c"Its user mapping for the current user says with which credentials.",
        &SERVER,
        GucContext::Userset,
        none,
    );
    GucRegistry::define_enum_guc(
        c"iasql.adopt",
        c"What to do when an object that a new row describes exists already and differs.",
        c"equal: refuse the row; overwrite: make the object what the row says.",
        &ADOPT,
        GucContext::Suset,
        none,
    );
    GucRegistry::define_enum_guc(
        c"iasql.on_drift",
        c"What to do about changes that somebody else made in the cloud.",
        c"owned: put back the columns we have set; enforce: put back all; keep: keep all; refuse: fail.",
        &ON_DRIFT,
        GucContext::Suset,
        none,
    );
    GucRegistry::define_int_guc(
        c"iasql.max_deletes",
        c"How many objects one apply may delete or replace; -1 for any number.",
        c"A plan above it is refused before the first call.",
        &MAX_DELETES,
        -1,
        i32::MAX,
        GucContext::Suset,
        none,
    );
    GucRegistry::define_int_guc(
        c"iasql.cancel_grace",
        c"How long a cancelled apply waits for the calls that have left.",
        c"Calls that are not answered by then are resolved by the next apply or sync.",
        &CANCEL_GRACE,
        0,
        600_000,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"iasql.wait_timeout",
        c"How long apply waits for an object that is still in use or not yet ready.",
        c"After that the step fails with what AWS said last.",
        &WAIT_TIMEOUT,
        0,
        86_400,
        GucContext::Userset,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_enum_guc(
        c"iasql.refresh",
        c"How much of AWS iasql_plan_apply() and iasql_apply() read.",
        c"all: every table; changed: the tables in which rows have changed; off: nothing, what was last agreed on counts.",
        &REFRESH,
        GucContext::Userset,
        none,
    );
    GucRegistry::define_int_guc(
        c"iasql.journal_retention",
        c"How long the journal keeps the records of runs that leave no question.",
        c"Records of other runs are kept until they leave none.",
        &JOURNAL_RETENTION,
        0,
        i32::MAX / 60,
        GucContext::Suset,
        GucFlags::UNIT_MIN,
    );
    GucRegistry::define_enum_guc(
        c"iasql.on_error",
        c"What iasql_apply() does when a step fails, once the independent rest is done.",
        c"raise: an error that lists what was done; report: the failures are rows, and what was done is committed.",
        &ON_ERROR,
        GucContext::Userset,
        none,
    );
}

/// How long the journal keeps the records of runs that leave no question.
pub fn journal_retention() -> Duration {
    Duration::from_secs(60 * u64::try_from(JOURNAL_RETENTION.get()).unwrap_or_default())
}

/// Whether failed steps are rows and not an error.
pub fn reports_errors() -> bool {
    ON_ERROR.get() == OnErrorSetting::Report
}

/// The name of the foreign server.
pub fn server() -> String {
    SERVER
        .get()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// What the user allows a plan.
pub fn rules() -> Rules {
    Rules {
        on_drift: match ON_DRIFT.get() {
            OnDriftSetting::Owned => OnDrift::Owned,
            OnDriftSetting::Enforce => OnDrift::Enforce,
            OnDriftSetting::Keep => OnDrift::Keep,
            OnDriftSetting::Refuse => OnDrift::Refuse,
        },
        adopt: match ADOPT.get() {
            AdoptSetting::Equal => Adopt::Equal,
            AdoptSetting::Overwrite => Adopt::Overwrite,
        },
        max_deletes: u32::try_from(MAX_DELETES.get()).ok(),
    }
}

/// How long a cancelled apply waits for the calls that have left.
pub fn cancel_grace() -> Duration {
    Duration::from_millis(u64::try_from(CANCEL_GRACE.get()).unwrap_or_default())
}

/// How long apply waits for an object that is in use or not yet ready.
pub fn wait_timeout() -> Duration {
    Duration::from_secs(u64::try_from(WAIT_TIMEOUT.get()).unwrap_or_default())
}
