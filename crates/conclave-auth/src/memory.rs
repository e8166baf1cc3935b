//! The ports of this crate in memory: for tests, and where nothing need outlive the process.
//! They stay within what was stored; nothing is forgotten but by the calls that say so.

mod api_keys;
mod idempotency;
mod passwords;
mod refresh;
mod revocations;
mod sessions;
mod users;

pub use api_keys::MemoryApiKeys;
pub use idempotency::MemoryIdempotency;
pub use passwords::InlinePasswords;
pub use refresh::MemoryRefreshFamilies;
pub use revocations::MemoryRevocations;
pub use sessions::MemorySessions;
pub use users::MemoryUsers;
