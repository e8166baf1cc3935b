//! The files of a document as trees of values that know their places.

mod cursor;
mod load;
mod node;
mod path;
mod scalar;
mod yaml;

pub use cursor::Location;
pub(crate) use cursor::{Cursor, Key, unescaped};
pub use load::{FolderLoader, LoadError, Loader, MemoryLoader};
pub(crate) use load::{Sources, is_remote};
pub use node::Number;
pub(crate) use node::{Entry, Map, Value};
pub(crate) use path::{join, percent_decoded};

/// Bounds on what is read, so that a hostile document ends in a diagnostic.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file; 8 MiB by default.
    pub file_bytes_max: usize,
    /// Files of one document, its own included; 512 by default.
    pub files_max: usize,
    /// How deep values may nest; 96 by default.
    pub depth_max: usize,
    /// Values in one file after aliases and merge keys are written out; 400,000 by default.
    pub nodes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 8 << 20,
            files_max: 512,
            depth_max: 96,
            nodes_max: 400_000,
        }
    }
}
