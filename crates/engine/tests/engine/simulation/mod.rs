//! Random worlds, from one seed each: users edit, others meddle, calls fail, runs are cut off; and whatever happens,
//! the promises hold.

mod account;
mod cloud;
mod database;
mod driver;
mod properties;
mod seeds;
mod story;
