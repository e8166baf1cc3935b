//! What a principal may do.

/// A permission the core asks for. The wire name is in [`Permission::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `admin`: everything.
    Admin,
    /// `system.monitor`: statistics and metrics.
    SystemMonitor,
    /// `topic.broadcast`: JSON frames to every broadcast connection.
    TopicBroadcast,
    /// `topic.publish`: publish to topics of one's session.
    TopicPublish,
    /// `topic.subscribe`: subscribe to topics of one's session, and ask who is there.
    TopicSubscribe,
}

impl Permission {
    /// The name that tokens and configuration use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::SystemMonitor => "system.monitor",
            Self::TopicBroadcast => "topic.broadcast",
            Self::TopicPublish => "topic.publish",
            Self::TopicSubscribe => "topic.subscribe",
        }
    }
}

/// The permissions of a principal, as strings: `name`, or `name:pattern` where the pattern is
/// a subject, possibly ending in `*` (identity.md, "Permissions"). `admin` covers all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants(Box<[Box<str>]>);

impl Grants {
    /// Sorted and without duplicates, so that equal sets are equal values.
    #[must_use]
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let mut grants: Vec<Box<str>> = names
            .into_iter()
            .map(|name| Box::from(name.as_ref()))
            .collect();
        grants.sort_unstable();
        grants.dedup();
        Self(grants.into())
    }

    /// The strings, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether `permission` is granted for `subject` (a topic's name, or empty where the
    /// permission has no subject). A pattern never covers an empty subject.
    #[must_use]
    pub fn allow(&self, permission: Permission, subject: &str) -> bool {
        self.allow_named(permission.name(), subject)
    }

    /// As [`Grants::allow`], for a permission that only the configuration knows.
    #[must_use]
    pub fn allow_named(&self, permission: &str, subject: &str) -> bool {
        self.iter().any(|grant| {
            grant == Permission::Admin.name()
                || grant.strip_prefix(permission).is_some_and(|rest| {
                    rest.is_empty()
                        || rest
                            .strip_prefix(':')
                            .is_some_and(|pattern| covers(pattern, subject))
                })
        })
    }
}

fn covers(pattern: &str, subject: &str) -> bool {
    if subject.is_empty() {
        return false;
    }
    pattern
        .strip_suffix('*')
        .map_or(pattern == subject, |prefix| subject.starts_with(prefix))
}
