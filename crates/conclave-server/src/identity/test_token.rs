//! The token of `GET /test-token`: dev mode only.

use std::time::Duration;

use anyhow::Context as _;
use conclave_auth::{AccessClaims, Random as _, SignInParts};
use conclave_protocol::Clock;

use super::SystemRandom;
use crate::config::{Secret, Setup};

/// `WS_TEST_TOKEN`, or a token of `user` that lives ten years; `None` outside dev mode.
///
/// # Errors
/// `WS_TEST_TOKEN` does not verify here; the error does not show it.
pub(super) fn test_token(
    setup: &Setup,
    parts: &SignInParts,
    clock: &dyn Clock,
) -> anyhow::Result<Option<Secret>> {
    if !setup.profile.dev {
        return Ok(None);
    }
    let now = clock.now();
    if let Some(given) = &setup.test_token {
        parts
            .verifier
            .verify(given.reveal(), now)
            .context("WS_TEST_TOKEN")?;
        return Ok(Some(given.clone()));
    }
    let mut id = [0; 16];
    SystemRandom.fill(&mut id);
    let token = parts.signer.sign(&AccessClaims {
        sub: "user",
        sid: None,
        name: None,
        roles: &["user".to_owned()],
        permissions: &[],
        issued_at: now,
        life: TEN_YEARS,
        id,
        family: None,
    });
    Ok(Some(Secret::new(token.context("the test token")?)))
}

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
