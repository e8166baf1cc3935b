//! From shapes to Rust: tokens by `quote`, laid out by `prettyplease`.

mod checked;
mod doc;
mod layout;
mod shapes;
mod structs;
mod unions;

pub(crate) use doc::{doc, plain_lines};
pub use layout::Unprintable;
pub(crate) use layout::{Imports, printed};
pub use shapes::shapes;
pub(crate) use shapes::{ident, type_tokens};
