//! `[audit]`: the chain of security events.

use std::path::PathBuf;

use super::section::section;

section! {
    /// `[audit]`.
    pub struct Audit {
        /// Whether events are written.
        pub enabled: bool = true,
        /// The file; `audit.log` in the data folder where unset.
        pub file: Option<PathBuf> = None,
        /// The file of the key that chains the lines; `audit.key` in the data folder where
        /// unset, made with mode 0600 by the first start.
        pub key_file: Option<PathBuf> = None,
        /// Events that wait to be written; 64 to 1,000,000.
        pub queue: u32 = 8192,
        /// Lines per second of each kind of refusal (refused handshakes, failed sign-ins,
        /// denials, limits); those beyond are counted in one line.
        pub refusals_per_second: u32 = 100,
        /// Lines per second of each usual kind (accepted handshakes, sign-ins); those beyond are
        /// counted in one line.
        pub usual_per_second: u32 = 1000,
    }
}
