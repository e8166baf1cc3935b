//! From the configuration to issuers with their keys.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use conclave_auth::{Allowance, ClaimNames, Issuer, Key, KeySet, Signer, parse_jwks};
use conclave_protocol::IssuerId;

use super::SystemRandom;
use crate::config::{self, Preset, Setup};

/// Who signs our tokens: the private key where one is named, else the shared secret, which the
/// first start makes where none is configured.
///
/// # Errors
/// Names the key of the configuration or the file.
pub(crate) fn signer(setup: &Setup) -> anyhow::Result<Signer> {
    let auth = &setup.config.auth;
    let algorithm = auth.algorithm;
    let signer = match (&auth.private_key_file, &setup.secret) {
        (Some(path), _) => Signer::private_pem(&read(path, "auth.private_key_file")?, algorithm)
            .with_context(|| format!("auth.private_key_file: {}", path.display()))?,
        (None, Some(secret)) => {
            Signer::secret(secret.reveal().as_bytes(), algorithm).context("auth.secret")?
        }
        (None, None) => {
            let secret = config::own_secret(&setup.config.server.data_dir, random)?;
            Signer::secret(secret.reveal().as_bytes(), algorithm).context("auth.secret")?
        }
    };
    Ok(signer.naming(auth.issuer.clone(), auth.audience.clone()))
}

/// The own issuer and the configured ones, in this order.
///
/// # Errors
/// Names the key of the configuration or the file.
pub(crate) fn issuers(setup: &Setup, signer: &Signer) -> anyhow::Result<Vec<Issuer>> {
    let auth = &setup.config.auth;
    let mut own_keys = vec![signer.verification_key().context("auth.algorithm")?];
    for (index, path) in auth.public_key_files.iter().enumerate() {
        let named = format!("auth.public_key_files[{index}]");
        let key = Key::public_pem(&read(path, &named)?, &[auth.algorithm])
            .with_context(|| format!("{named}: {}", path.display()))?;
        own_keys.push(key);
    }
    let mut issuers = vec![Issuer {
        iss: auth.issuer.clone(),
        aud: auth.audience.iter().cloned().collect(),
        leeway: Duration::from_secs(u64::from(auth.leeway_seconds)),
        user_prefix: auth.user_prefix.clone(),
        shared_users: auth.shared_users,
        default_roles: auth.default_roles.clone(),
        default_permissions: auth.default_permissions.clone(),
        ..Issuer::own(own_keys)
    }];
    for (index, configured) in auth.issuers.iter().enumerate() {
        let id = IssuerId(u16::try_from(index + 1).context("auth.issuers: too many")?);
        issuers.push(external(id, index, configured)?);
    }
    Ok(issuers)
}

fn external(id: IssuerId, index: usize, from: &config::Issuer) -> anyhow::Result<Issuer> {
    let base = match from.preset {
        Some(Preset::Clerk) => Issuer::clerk(id, &from.iss, from.azp.clone()),
        None => Issuer::external(id, &from.iss, Vec::new()),
    };
    let claims = &from.claims;
    Ok(Issuer {
        aud: from.aud.clone(),
        leeway: Duration::from_secs(u64::from(from.leeway_seconds)),
        keys: KeySet {
            keys: keys(index, from)?,
            valid_until: None,
        },
        keys_by_url: from.keys_url().is_some(),
        user_prefix: from.user_prefix.clone(),
        shared_users: from.shared_users,
        claims: ClaimNames {
            user: claims.user.clone(),
            session: claims.session.clone().unwrap_or(base.claims.session),
            name: claims.name.clone(),
            roles: claims.roles.clone(),
            permissions: claims.permissions.clone(),
            scopes: claims.scopes.clone(),
        },
        default_roles: from.default_roles.clone(),
        default_permissions: from.default_permissions.clone(),
        allowance: Allowance::Listed {
            roles: from.allow_roles.clone(),
            permissions: from.allow_permissions.clone(),
        },
        azp: from.azp.clone(),
        scopes_as_permissions: from.scopes_as_permissions,
        ..base
    })
}

fn keys(index: usize, from: &config::Issuer) -> anyhow::Result<Vec<Key>> {
    let accepted = from.accepted_algorithms();
    let mut keys = Vec::new();
    if let Some(path) = &from.secret_file {
        let named = format!("auth.issuers[{index}].secret_file");
        let secret = config::secret_in(path).context(named.clone())?;
        keys.push(Key::secret(secret.reveal().as_bytes(), &accepted).context(named)?);
    }
    for path in &from.pem_files {
        let named = format!("auth.issuers[{index}].pem_files: {}", path.display());
        keys.push(Key::public_pem(&read(path, &named)?, &accepted).context(named)?);
    }
    if let Some(path) = &from.jwks_file {
        let named = format!("auth.issuers[{index}].jwks_file: {}", path.display());
        keys.extend(parse_jwks(&read(path, &named)?, &accepted).context(named)?);
    }
    Ok(keys)
}

fn read(path: &Path, named: &str) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{named}: {}", path.display()))
}

fn random(bytes: &mut [u8; 32]) -> std::io::Result<()> {
    conclave_auth::Random::fill(&SystemRandom, bytes);
    Ok(())
}
