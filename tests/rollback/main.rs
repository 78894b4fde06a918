//! AWS cannot roll back, Postgres can. Whatever becomes of the transaction in which an apply ran, nothing that it made
//! is forgotten, nothing is made twice, and the next apply or sync is all it takes.

mod rollbacks;
mod scripts;
mod statements;
mod world;
