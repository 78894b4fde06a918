//! Documents whose commands are executed.
//!
//! A Markdown document is a story: its blocks run in order, SQL in one psql session on a server and an emulated account
//! of the document's own. What psql printed is compared with the `text` block that follows. Comments say what a reader
//! need not see:
//!
//! - `<!-- test: fails 42501 -->`: the next block ends in an error with this SQLSTATE. With ` in another session` behind it,
//!   it runs beside the session of the other blocks.
//! - `<!-- test: skip REASON -->`: the next block is not executed. Reasons are listed in the report.
//! - `<!-- test: run -->`: the next block is run by the shell, in the root of the repository.
//! - `<!-- test: from FILE -->`: the next block is quoted from a file; a line `…` stands for what is left out.
//! - `<!-- test: database NAME -->`: what follows runs in that database, which is made if it is not there.
//! - A comment that begins with a line `<!-- sql` holds statements that are executed and not shown.
//!
//! In the output `…` stands for anything: within a line for some characters, alone on a line for some lines.
//!
//! No block is passed over in silence. SQL runs; of a shell block each command must be one that is checked: `make` for
//! its targets, `cargo` for its packages and tests, `git clone` for its address, a script for its being there; calls of
//! the AWS command line are made. Everything else must say why it is skipped.

mod aws;
mod compare;
mod parse;
mod psql;
mod shell;
mod story;
mod wrong;

pub use story::{Report, execute};
pub use wrong::{Failure, Wrong};
