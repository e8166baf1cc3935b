//! Bodies of fuzz targets: any bytes, no panic, nobody let in.

use std::sync::{Arc, OnceLock};

use conclave_protocol::Timestamp;

use crate::jwks::{KeySet, parse_jwks};
use crate::{Algorithm, Issuer, Key, Roles, Signer, TokenError, Verifier};

/// Reads any bytes as a token, as a key set, and as a PEM key.
///
/// # Panics
/// Where bytes that nobody signed are taken for a token.
pub fn verify_token(bytes: &[u8]) {
    static VERIFIER: OnceLock<Option<Verifier>> = OnceLock::new();
    let Some(verifier) = VERIFIER.get_or_init(verifier) else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    let refused = verifier.verify(&text, NOW).err();
    let is_refused = matches!(
        refused,
        Some(TokenError::Invalid(_) | TokenError::UnknownKey { .. } | TokenError::Expired)
    );
    assert!(is_refused, "nobody signed this: {refused:?}");
    drop(parse_jwks(bytes, &Algorithm::ALL));
    drop(Key::public_pem(bytes, &[Algorithm::Rs256]));
}

/// Signs any text as the claims of an own token, and verifies that: the claims' reader alone.
pub fn read_claims(bytes: &[u8]) {
    static WORLD: OnceLock<Option<(Signer, Verifier)>> = OnceLock::new();
    let world = || Some((Signer::secret(SECRET, Algorithm::Hs256).ok()?, verifier()?));
    let Some((signer, verifier)) = WORLD.get_or_init(world) else {
        return;
    };
    if let Ok(token) = signer.sign_payload(bytes) {
        drop(verifier.verify(&token, NOW));
    }
}

/// One issuer by secret, one by a key set of a file, one by a URL that never answered.
fn verifier() -> Option<Verifier> {
    let own = Key::secret(SECRET, &[Algorithm::Hs256, Algorithm::Hs512]).ok()?;
    let set = parse_jwks(JWKS, &Algorithm::ALL).ok()?;
    let mut by_url = Issuer::clerk(
        conclave_protocol::IssuerId(2),
        "https://b.example",
        Vec::new(),
    );
    by_url.keys = KeySet::default();
    let by_file = Issuer::external(conclave_protocol::IssuerId(1), "https://a.example", set);
    Verifier::new(
        vec![Issuer::own(vec![own]), by_file, by_url],
        Arc::new(Roles::default()),
    )
    .ok()
}

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const SECRET: &[u8] = b"a secret that only the fuzz targets know";
/// The key of RFC 8037, appendix A.2.
const JWKS: &[u8] = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a",
"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
