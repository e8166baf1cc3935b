//! `[store]`: durable state.

use std::path::PathBuf;

use super::section::section;

section! {
    /// `[store]`.
    pub struct Store {
        /// The database file; `conclave.db` in the data folder where unset.
        pub path: Option<PathBuf> = None,
    }
}
