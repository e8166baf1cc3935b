//! Files that the configuration names: opened once, so that a start fails early.

use std::fs;
use std::path::Path;

use super::fault::Place;
use super::keyfile::{OWN_SECRET, secret_in, stored_secret};
use super::{Config, Fault, Secret, Setup, Webhook};

/// The own shared secret as configured; the one the server keeps is only looked at.
pub(crate) fn own_secret_text(setup: &Setup, faults: &mut Vec<Fault>) -> Option<Secret> {
    let auth = &setup.config.auth;
    if let Some(path) = &auth.secret_file {
        let secret = secret_in(path);
        let secret =
            secret.map_err(|error| Place::rule("auth.secret_file").fault(error.to_string()));
        return secret.map_err(|fault| faults.push(fault)).ok();
    }
    let kept = setup.config.server.data_dir.join(OWN_SECRET);
    if auth.secret.is_none() && auth.algorithm.is_symmetric() && kept.exists() {
        let unusable = stored_secret(&kept).err();
        let fault = unusable.map(|error| Place::rule("auth.secret").fault(error.to_string()));
        faults.extend(fault);
    }
    auth.secret.clone()
}

/// Shared secrets of other issuers are held to the rules of the own one.
pub(crate) fn weak_issuer_secrets(setup: &Setup) -> Vec<Fault> {
    let issuers = setup.config.auth.issuers.iter().enumerate();
    issuers
        .filter(|_| !setup.profile.dev)
        .filter_map(|(index, issuer)| {
            let weakness = secret_in(issuer.secret_file.as_ref()?).ok()?.weakness()?;
            Some(Place::rule(format!("auth.issuers[{index}].secret_file")).fault(weakness))
        })
        .collect()
}

/// What a webhook's posts are signed with; an empty text where the rules refuse that there is
/// none.
///
/// # Errors
/// What the file system says, with the path.
pub(crate) fn webhook_secret(webhook: &Webhook) -> std::io::Result<Secret> {
    match (&webhook.secret, &webhook.secret_file) {
        (Some(secret), _) => Ok(secret.clone()),
        (None, Some(path)) => secret_in(path),
        (None, None) => Ok(Secret::new(String::new())),
    }
}

/// Key files that cannot be opened.
pub(crate) fn unreadable(config: &Config) -> Vec<Fault> {
    key_files(config)
        .into_iter()
        .filter_map(|(key, path)| {
            let error = fs::File::open(path).err()?;
            Some(Place::rule(key).fault(format!("{}: {error}", path.display())))
        })
        .collect()
}

fn key_files(config: &Config) -> Vec<(String, &Path)> {
    let (auth, tls) = (&config.auth, &config.server.tls);
    let mut files: Vec<(String, &Path)> = Vec::new();
    let single = [
        ("server.tls.cert", &tls.cert),
        ("server.tls.key", &tls.key),
        ("auth.private_key_file", &auth.private_key_file),
    ];
    for (key, path) in single {
        files.extend(path.iter().map(|path| (key.to_owned(), path.as_path())));
    }
    for (index, path) in auth.public_key_files.iter().enumerate() {
        files.push((format!("auth.public_key_files[{index}]"), path));
    }
    for (at, issuer) in auth.issuers.iter().enumerate() {
        let single = [
            ("secret_file", &issuer.secret_file),
            ("jwks_file", &issuer.jwks_file),
        ];
        for (key, path) in single {
            let key = format!("auth.issuers[{at}].{key}");
            files.extend(path.iter().map(|path| (key.clone(), path.as_path())));
        }
        for (index, path) in issuer.pem_files.iter().enumerate() {
            files.push((format!("auth.issuers[{at}].pem_files[{index}]"), path));
        }
    }
    for (at, webhook) in config.webhooks.iter().enumerate() {
        let key = format!("webhooks[{at}].secret_file");
        let path = webhook.secret_file.as_deref();
        files.extend(path.map(|path| (key, path)));
    }
    files
}
