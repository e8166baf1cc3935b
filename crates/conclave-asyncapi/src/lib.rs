//! AsyncAPI 2.0 to 2.6, 3.0 and 3.1: reads documents into one model, says what is wrong with them and
//! where, and generates Rust crates from them.
//!
//! It opens no socket and asks no network; files come through a [`Loader`]. The same document gives the
//! same bytes, always. Documents are untrusted: size, depth and aliases are bounded ([`Limits`]).
//!
//! To read: `source` (files as trees with places), `read` (trees into the model, references followed),
//! `model`, `diagnostic`, `shape` (which Rust types the schemas ask for), `service` (what a crate
//! consists of), `emit` (the code), `generate` (the files), `command` (what the commands do).

#[cfg(any(test, feature = "checks"))]
pub mod checks;
pub mod command;
mod diagnostic;
mod emit;
pub mod generate;
pub mod model;

mod read;
pub mod service;
pub mod shape;
mod source;

pub use diagnostic::{Diagnostic, Place, Severity, has_errors};
pub use emit::Unprintable;
pub use read::{Reading, read};
pub use source::{FolderLoader, Limits, LoadError, Loader, Location, MemoryLoader, Number};
