//! How a document asks clients to prove who they are.

use crate::source::Location;

/// Index of a scheme in `Document::schemes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemeId(pub usize);

/// A way to prove who one is.
#[derive(Debug, Clone)]
pub struct Scheme {
    /// Its name in the document, or what its kind is called.
    pub name: String,
    /// Which way.
    pub kind: SchemeKind,
    /// What the document says of it.
    pub description: Option<String>,
    /// Where it stands.
    pub at: Location,
}

/// The kinds of AsyncAPI, and what each needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemeKind {
    /// A key as user or password: `in: user`.
    ApiKey(Within),
    /// `http` with its scheme.
    Http(HttpScheme),
    /// A key in a field of the handshake.
    HttpApiKey {
        /// The field's name.
        name: String,
        /// Where the field is.
        within: Within,
    },
    /// OAuth 2, with the scopes its flows offer.
    Oauth2 {
        /// Every scope of every flow, once.
        scopes: Vec<String>,
    },
    /// OpenID Connect.
    OpenIdConnect {
        /// Where its description is found.
        url: String,
    },
    /// Any other kind, by its name: `X509`, `scramSha256`.
    Other(String),
    /// User and password.
    UserPassword,
}

/// A scheme of HTTP authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpScheme {
    /// User and password.
    Basic,
    /// A token, with what the document says of its form (`JWT`).
    Bearer(Option<String>),
    /// Any other, by its name.
    Other(String),
}

/// Where a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// A cookie.
    Cookie,
    /// A header.
    Header,
    /// The password.
    Password,
    /// The query.
    Query,
    /// The user's name.
    User,
}

/// Schemes that are needed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// All of them.
    pub all: Vec<Needed>,
}

/// A scheme, and what it must grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Which scheme.
    pub scheme: SchemeId,
    /// Every scope that is needed.
    pub scopes: Vec<String>,
}
