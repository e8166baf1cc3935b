//! `[service]`: the generated service, with AsyncAPI envelopes.

use super::section::section;

section! {
    /// `[service]`.
    pub struct Service {
        /// Whether the surface is served.
        pub enabled: bool = true,
        /// The path.
        pub path: String = "/chat".to_owned(),
    }
}
