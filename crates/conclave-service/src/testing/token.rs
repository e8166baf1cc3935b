//! Tokens for tests, good and bad.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_protocol::Timestamp;
use serde_json::{Map, Value, json};

/// The shared secret of test tokens. It is published here: nothing but tests may use it.
pub const TEST_SECRET: &[u8] = b"a secret for tests and nothing else, for everybody knows it";
/// The `iss` of test tokens.
pub const TEST_ISSUER: &str = "https://issuer.test";
/// The `aud` of test tokens.
pub const TEST_AUDIENCE: &str = "https://service.test";

/// A token in the making: good, unless told otherwise.
#[derive(Clone, Debug)]
pub struct TestToken {
    claims: Map<String, Value>,
    algorithm: &'static str,
    secret: Vec<u8>,
}

impl TestToken {
    /// A token of `ann` without rights, issued now, for an hour.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let claims = json!({
            "sub": "ann",
            "iss": TEST_ISSUER,
            "aud": TEST_AUDIENCE,
            "iat": now.seconds(),
            "exp": now.seconds().saturating_add(3600),
            "permissions": [],
            "roles": [],
            "scopes": [],
        });
        Self {
            claims: match claims {
                Value::Object(claims) => claims,
                _ => Map::new(),
            },
            algorithm: "HS256",
            secret: TEST_SECRET.to_vec(),
        }
    }

    pub(crate) fn subject(&self) -> &str {
        let subject = self.claims.get("sub").and_then(Value::as_str);
        subject.unwrap_or_default()
    }

    /// Of this user.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        self.claim("sub", user.into())
    }

    /// With these permissions.
    #[must_use]
    pub fn permissions<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.claim("permissions", list(names))
    }

    /// With these roles.
    #[must_use]
    pub fn roles<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.claim("roles", list(names))
    }

    /// With these scopes.
    #[must_use]
    pub fn scopes<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.claim("scopes", list(names))
    }

    /// For somebody else.
    #[must_use]
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience.into())
    }

    /// By somebody else.
    #[must_use]
    pub fn issuer(self, issuer: &str) -> Self {
        self.claim("iss", issuer.into())
    }

    /// Living so long from when it is issued.
    #[must_use]
    pub fn living(self, life: Duration) -> Self {
        let issued = self.claims.get("iat").and_then(Value::as_u64);
        let end = issued.unwrap_or_default().saturating_add(life.as_secs());
        self.claim("exp", end.into())
    }

    /// Ended an hour ago.
    #[must_use]
    pub fn expired(self) -> Self {
        let issued = self.claims.get("iat").and_then(Value::as_u64);
        let issued = issued.unwrap_or_default();
        self.claim("iat", issued.saturating_sub(7200).into())
            .claim("exp", issued.saturating_sub(3600).into())
    }

    /// With any claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Signed with another secret.
    #[must_use]
    pub fn signed_with(mut self, secret: &[u8]) -> Self {
        self.secret = secret.to_vec();
        self
    }

    /// With `alg` `none` and no signature.
    #[must_use]
    pub const fn unsigned(mut self) -> Self {
        self.algorithm = "none";
        self
    }

    /// The token.
    #[must_use]
    pub fn mint(&self) -> String {
        let header = json!({"alg": self.algorithm, "typ": "JWT"}).to_string();
        let claims = Value::Object(self.claims.clone()).to_string();
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = match self.algorithm {
            "none" => String::new(),
            _ => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
                URL_SAFE_NO_PAD.encode(hmac::sign(&key, token.as_bytes()))
            }
        };
        token.push('.');
        token.push_str(&signature);
        token
    }
}

fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Value {
    names
        .into_iter()
        .map(|name| Value::from(name.as_ref()))
        .collect()
}
