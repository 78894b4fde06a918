//! Who may do what: grants decide, and nobody gains the rights of a mightier role or makes its apply do harm.

mod grants;
mod hostile;
mod records;
mod shadows;
