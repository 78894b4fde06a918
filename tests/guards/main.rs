//! What keeps an apply from doing what nobody has asked for, and others from loosening that.

mod connections;
mod failures;
mod limits;
mod planted;
mod privileges;
mod protection;
