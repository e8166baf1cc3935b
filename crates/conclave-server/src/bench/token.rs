//! Tokens for the generator's users, signed with the key that the server under test was given.

use anyhow::{Context, Result};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Signs HS256 tokens for users `u0`, `u1`, …, all in the named session `bench`, role `user`.
pub(super) struct Mint {
    secret: String,
    key: hmac::Key,
    expires_at: u64,
}

impl Mint {
    /// A fresh secret of 32 random bytes; tokens live a day from `now` (Unix seconds).
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(super) fn new(now: u64) -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("no randomness for the secret")?;
        let secret = URL_SAFE_NO_PAD.encode(bytes);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Ok(Self {
            secret,
            key,
            expires_at: now + 86_400,
        })
    }

    /// What the server under test gets as `JWT_SECRET_KEY`.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// A token of user `u{user}`.
    pub(super) fn token(&self, user: usize) -> String {
        self.signed(&format!(
            r#"{{"sub":"u{user}","sid":"{SESSION}","roles":["user"],"exp":{}}}"#,
            self.expires_at
        ))
    }

    /// A token of user `u{user}` who may hear of any wallet.
    pub(super) fn wallet_token(&self, user: usize) -> String {
        self.signed(&format!(
            r#"{{"sub":"u{user}","roles":[],"permissions":["wallet.read","wallet.read.any"],"exp":{}}}"#,
            self.expires_at
        ))
    }

    /// A token of a backend that may publish.
    pub(super) fn backend_token(&self) -> String {
        self.signed(&format!(
            r#"{{"sub":"backend","roles":[],"permissions":["server.publish"],"exp":{}}}"#,
            self.expires_at
        ))
    }

    fn signed(&self, claims: &str) -> String {
        let mut token = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = hmac::sign(&self.key, token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

const SESSION: &str = "bench";

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::Mint;

    #[test]
    fn token_is_signed_with_the_secret_that_the_server_gets() {
        let mint = Mint::new(1_700_000_000).unwrap();
        let token = mint.token(7);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, mint.secret().as_bytes());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["sub"], "u7");
        assert_eq!(claims["sid"], "bench");
        assert_eq!(claims["exp"], 1_700_086_400);
    }
}
