//! Which worlds are run: one of a seed, or one after another from a first seed on.
//!
//! `IASQL_SEED` runs one world of each property, which then tells its story; `IASQL_FIRST_SEED` and `IASQL_SEEDS` say
//! where to begin and how many.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;

/// How many worlds of each property a plain run of the tests is for.
const SEEDS: u64 = 200;

/// Runs the world of each seed, and names the first that breaks the promise.
pub fn for_each_seed(test: &str, world: impl Fn(u64)) {
    if let Some(seed) = the_only_one() {
        return world(seed);
    }
    let first = number("IASQL_FIRST_SEED").unwrap_or_default();
    for seed in first..first + number("IASQL_SEEDS").unwrap_or(SEEDS) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| world(seed))) {
            eprintln!(
                "seed {seed} breaks a promise. Its story:\n    \
                 IASQL_SEED={seed} cargo test -p iasql-engine --test engine {test}"
            );
            resume_unwind(panic);
        }
    }
}

/// Tells what happens, in the story of one world.
pub fn tell(what: impl FnOnce() -> String) {
    if the_only_one().is_some() {
        eprintln!("{}", what());
    }
}

fn the_only_one() -> Option<u64> {
    static SEED: OnceLock<Option<u64>> = OnceLock::new();
    *SEED.get_or_init(|| number("IASQL_SEED"))
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
