//! What keeps an apply from doing what nobody has asked for, and others from loosening that.

mod connections;
mod limits;
mod privileges;
mod protection;
