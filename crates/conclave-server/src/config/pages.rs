//! `[pages]`: what browsers see.

use super::section::section;

section! {
    /// `[pages]`.
    pub struct Pages {
        /// Whether `/`, `/console` and `/lab` are served, and what they are made of.
        pub enabled: bool = true,
    }
}
