//! Statements: text in, text out, on the caller's own session and in the caller's own transaction.

use pgrx::{IntoDatum, PgBuiltInOids, PgMemoryContexts, pg_sys};
use std::borrow::Cow;
use std::ffi::{CStr, CString};

/// The rows that a statement returned: every value as text, None for NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// How many records one statement writes.
pub const AT_ONCE: usize = 5_000;

/// The values of one column of many records, as text; None for NULL.
pub type Texts<'a> = Vec<Option<Cow<'a, str>>>;

/// Runs a statement whose parameters are text (the statement casts them), and returns its rows. An error of the
/// statement is raised as a Postgres error.
pub fn query(statement: &str, parameters: &[Option<&str>]) -> Rows {
    run(statement, Parameters::Texts(parameters), See::Newest).0
}

/// Runs a statement and returns how many rows it wrote.
pub fn execute(statement: &str, parameters: &[Option<&str>]) -> u64 {
    run(statement, Parameters::Texts(parameters), See::Newest).1
}

/// Runs a statement whose parameters are lists of texts, and returns how many rows it wrote.
pub fn execute_lists(statement: &str, lists: &[Texts<'_>]) -> u64 {
    run(statement, Parameters::Lists(lists), See::Newest).1
}

/// The first value of the first row.
pub fn value(statement: &str, parameters: &[Option<&str>]) -> Option<String> {
    query(statement, parameters)
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next().flatten())
}

/// One snapshot for several statements that only read, until dropped: they see the database at one moment.
#[must_use]
pub struct Snapshot(());

impl Snapshot {
    /// What the next statement of the transaction would see.
    pub fn next() -> Snapshot {
        // SAFETY: a plain call on the backend's Postgres thread, inside a transaction.
        Snapshot::push(|| unsafe { pg_sys::GetTransactionSnapshot() })
    }

    /// What is committed now, whatever the isolation level.
    pub fn latest() -> Snapshot {
        // SAFETY: a plain call on the backend's Postgres thread, inside a transaction.
        Snapshot::push(|| unsafe { pg_sys::GetLatestSnapshot() })
    }

    fn push(take: impl FnOnce() -> pg_sys::Snapshot) -> Snapshot {
        // SAFETY: plain calls on the backend's Postgres thread. What this transaction has written becomes visible
        // first. When an error leaves the guarded statements, Postgres pops the snapshot with the (sub)transaction.
        unsafe {
            pg_sys::CommandCounterIncrement();
            pg_sys::PushActiveSnapshot(take());
        }
        Snapshot(())
    }

    /// Runs a statement that only reads.
    pub fn query(&self, statement: &str, parameters: &[Option<&str>]) -> Rows {
        run(
            statement,
            Parameters::Texts(parameters),
            See::ActiveSnapshot,
        )
        .0
    }

    /// Runs a statement that only reads, and visits its rows one after the other, up to the first failure. Only some of
    /// them are in memory at a time.
    pub fn each<E>(
        &self,
        statement: &str,
        mut visit: impl FnMut(Vec<Option<String>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let statement = CString::new(statement).unwrap_or_default();
        // SAFETY: as in `run`. The cursor reads with the active snapshot, and is closed before SPI is left; after an
        // error Postgres closes it with the (sub)transaction.
        unsafe {
            pg_sys::SPI_connect();
            let cursor = pg_sys::SPI_cursor_open_with_args(
                std::ptr::null(),
                statement.as_ptr(),
                0,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                std::ptr::null(),
                true,
                0,
            );
            let mut texts_of_batch = PgMemoryContexts::new("iasql batch of rows");
            let outcome = loop {
                pg_sys::SPI_cursor_fetch(cursor, true, AT_ONCE as i64);
                let (table, count) = (pg_sys::SPI_tuptable, pg_sys::SPI_processed);
                // What the types' output functions leave behind goes with the batch.
                let outcome =
                    texts_of_batch.switch_to(|_| texts(table, count).try_for_each(&mut visit));
                texts_of_batch.reset();
                pg_sys::SPI_freetuptable(table);
                if count == 0 || outcome.is_err() {
                    break outcome;
                }
            };
            // Before SPI frees it along with its own.
            drop(texts_of_batch);
            pg_sys::SPI_cursor_close(cursor);
            pg_sys::SPI_finish();
            outcome
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: pops what `push` pushed: whatever was pushed later is popped by now.
            unsafe { pg_sys::PopActiveSnapshot() }
        }
    }
}

/// What a statement sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum See {
    /// All that is committed, as far as the isolation level lets it, and all that this transaction has written.
    Newest,
    /// The active snapshot.
    ActiveSnapshot,
}

/// The parameters of a statement.
#[derive(Clone, Copy)]
enum Parameters<'a> {
    Texts(&'a [Option<&'a str>]),
    Lists(&'a [Texts<'a>]),
}

impl Parameters<'_> {
    fn count(&self) -> usize {
        match self {
            Parameters::Texts(texts) => texts.len(),
            Parameters::Lists(lists) => lists.len(),
        }
    }

    /// A parameter as Postgres takes it, in the current memory context; None for NULL.
    fn datum(&self, position: usize) -> Option<pg_sys::Datum> {
        match self {
            Parameters::Texts(texts) => texts[position].and_then(IntoDatum::into_datum),
            Parameters::Lists(lists) => {
                let texts = lists[position].iter().map(Option::as_deref);
                texts.collect::<Vec<Option<&str>>>().into_datum()
            }
        }
    }

    fn type_oid(&self) -> pg_sys::Oid {
        match self {
            Parameters::Texts(_) => PgBuiltInOids::TEXTOID.value(),
            Parameters::Lists(_) => PgBuiltInOids::TEXTARRAYOID.value(),
        }
    }
}

fn run(statement: &str, parameters: Parameters<'_>, see: See) -> (Rows, u64) {
    // Statements are ours: none holds a NUL byte. Texts of users come as parameters.
    let statement = CString::new(statement).unwrap_or_default();
    // SAFETY: SPI is entered and left in this function, on the backend's only Postgres thread. An error leaves by
    // longjmp, which pgrx turns into a panic; Postgres then closes SPI with the (sub)transaction. All results are
    // copied before SPI_finish frees them.
    unsafe {
        pg_sys::SPI_connect();
        let list = pg_sys::makeParamList(parameters.count() as i32);
        let slots = (*list).params.as_mut_slice(parameters.count());
        for (position, slot) in slots.iter_mut().enumerate() {
            let datum = parameters.datum(position);
            slot.isnull = datum.is_none();
            slot.value = datum.unwrap_or(pg_sys::Datum::from(0));
            slot.ptype = parameters.type_oid();
            // Not PARAM_FLAG_CONST: the planner would evaluate casts of large values, and copy them, while it plans.
            slot.pflags = 0;
        }
        let options = pg_sys::SPIExecuteOptions {
            params: list,
            read_only: see == See::ActiveSnapshot,
            ..Default::default()
        };
        let code = pg_sys::SPI_execute_extended(statement.as_ptr(), &options);
        if code < 0 {
            pgrx::error!("SPI answered {code}");
        }
        let processed = pg_sys::SPI_processed;
        let rows = texts(pg_sys::SPI_tuptable, processed).collect();
        pg_sys::SPI_finish();
        (rows, processed)
    }
}

/// The rows of SPI's result, every value as text.
///
/// # Safety
/// `table` is SPI's result of `count` rows, or null, and is not freed before the last row was taken.
unsafe fn texts(
    table: *mut pg_sys::SPITupleTable,
    count: u64,
) -> impl Iterator<Item = Vec<Option<String>>> {
    let count = if table.is_null() { 0 } else { count as usize };
    (0..count).map(move |position| {
        // SAFETY: see above; SPI_getvalue returns a palloc'd C string or null.
        unsafe {
            let (tuple, description) = (*(*table).vals.add(position), (*table).tupdesc);
            let text = |column| {
                let text = pg_sys::SPI_getvalue(tuple, description, column);
                (!text.is_null()).then(|| {
                    let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
                    pg_sys::pfree(text.cast());
                    owned
                })
            };
            (1..=(*description).natts).map(text).collect()
        }
    })
}

/// Texts as Postgres writes an array of them.
pub fn array_of_texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let quoted = texts.into_iter().map(|text| {
        let text = text.as_ref().replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{text}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// Numbers as Postgres writes an array of them.
pub fn array<'a>(numbers: impl IntoIterator<Item = &'a i64>) -> String {
    let list: Vec<String> = numbers.into_iter().map(i64::to_string).collect();
    format!("{{{}}}", list.join(","))
}

/// An OID as the catalogs write it.
pub fn oid(text: &str) -> pg_sys::Oid {
    text.parse::<u32>()
        .map_or(pg_sys::InvalidOid, pg_sys::Oid::from)
}

/// An identifier as people write it: quoted only where it must be.
pub fn identifier(name: &str) -> String {
    let name = CString::new(name).unwrap_or_default();
    // SAFETY: the argument and the answer are strings that end in a zero byte; the answer is copied.
    unsafe { CStr::from_ptr(pg_sys::quote_identifier(name.as_ptr())) }
        .to_string_lossy()
        .into_owned()
}

/// An identifier, quoted.
pub fn quoted(identifier: &str) -> String {
    let mut quoted = String::with_capacity(identifier.len() + 2);
    quoted.push('"');
    quoted.push_str(&identifier.replace('"', "\"\""));
    quoted.push('"');
    quoted
}
