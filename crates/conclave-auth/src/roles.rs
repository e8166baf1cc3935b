//! What roles grant.

use std::collections::BTreeMap;

use conclave_protocol::Grants;

/// The permissions of each role (identity.md, "Permissions"; `[auth.roles]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeMap<String, Vec<String>>);

impl Roles {
    /// A table by role; it replaces the default one whole.
    #[must_use]
    pub const fn new(table: BTreeMap<String, Vec<String>>) -> Self {
        Self(table)
    }

    /// The table, by role.
    #[must_use]
    pub fn into_table(self) -> BTreeMap<String, Vec<String>> {
        self.0
    }

    /// `permissions` and what `roles` grant; a role that is not in the table grants nothing.
    #[must_use]
    pub fn grants<R: AsRef<str>, P: AsRef<str>>(&self, roles: &[R], permissions: &[P]) -> Grants {
        let by_roles = roles
            .iter()
            .filter_map(|role| self.0.get(role.as_ref()))
            .flatten();
        Grants::new(
            by_roles
                .map(String::as_str)
                .chain(permissions.iter().map(AsRef::as_ref)),
        )
    }
}

impl Default for Roles {
    /// `user`, `moderator` and `admin` as identity.md lists them.
    fn default() -> Self {
        let moderator = USER
            .into_iter()
            .filter(|&permission| permission != "wallet.read")
            .chain(["system.monitor", "chat:moderate"]);
        Self(BTreeMap::from([
            ("admin".to_owned(), vec!["admin".to_owned()]),
            (
                "moderator".to_owned(),
                moderator.map(str::to_owned).collect(),
            ),
            (
                "user".to_owned(),
                USER.into_iter().map(str::to_owned).collect(),
            ),
        ]))
    }
}

const USER: [&str; 10] = [
    "chat:send",
    "profile:update",
    "conversation.read",
    "conversation.write",
    "room.create",
    "wallet.read",
    "topic.publish",
    "topic.subscribe",
    "topic.broadcast",
    "assistant.use",
];
