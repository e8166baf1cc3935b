//! The rules of `[[auth.issuers]]`.

use conclave_auth::Algorithm;

use super::rules::{Findings, LEEWAY_SECONDS_MAX};
use super::{Config, Issuer, Preset};

impl Findings {
    pub(super) fn issuers(&mut self, config: &Config) {
        self.prefixes(config);
        for (index, issuer) in config.auth.issuers.iter().enumerate() {
            self.issuer(config, index, issuer);
        }
    }

    /// Two issuers whose users would be taken for each other.
    fn prefixes(&mut self, config: &Config) {
        let auth = &config.auth;
        let mut seen = vec![(
            "the own issuer",
            auth.user_prefix.as_str(),
            auth.shared_users,
        )];
        for (index, issuer) in auth.issuers.iter().enumerate() {
            let path = format!("auth.issuers[{index}].user_prefix");
            let prefix = issuer.user_prefix.as_str();
            let twin = seen
                .iter()
                .find(|(_, other, shared)| *other == prefix && !(*shared && issuer.shared_users));
            if let Some((name, _, _)) = twin {
                let expected = "expected another one, or shared_users = true for both";
                self.refuse(
                    path,
                    format!("{prefix:?} is the prefix of {name} too, {expected}"),
                );
            } else if index > 0 && prefix.is_empty() && !issuer.shared_users {
                self.refuse(path, "nothing given, expected a prefix of its own");
            }
            seen.push((&issuer.name, prefix, issuer.shared_users));
        }
    }

    fn issuer(&mut self, config: &Config, index: usize, issuer: &Issuer) {
        let key = |name: &str| format!("auth.issuers[{index}].{name}");
        let earlier = || config.auth.issuers.iter().take(index);
        if issuer.name.is_empty() || earlier().any(|other| other.name == issuer.name) {
            self.refuse(key("name"), "expected a name that no other issuer has");
        }
        let own = config.auth.issuer.as_ref() == Some(&issuer.iss);
        if issuer.iss.is_empty() || own || earlier().any(|other| other.iss == issuer.iss) {
            self.refuse(key("iss"), "expected an iss that no other issuer has");
        }
        let clerk = issuer.preset == Some(Preset::Clerk);
        if issuer.aud.is_empty() && !clerk {
            self.refuse(key("aud"), "nothing given, expected at least one audience");
        }
        if issuer.azp.is_empty() && clerk {
            self.refuse(
                key("azp"),
                "nothing given, expected the origins of the own pages",
            );
        }
        if clerk && issuer.accepted_algorithms() != [Algorithm::Rs256] {
            self.refuse(key("algorithms"), "given, expected RS256 or nothing");
        }
        self.range(
            &key("leeway_seconds"),
            issuer.leeway_seconds,
            0..=LEEWAY_SECONDS_MAX,
        );
        for role in issuer.default_roles.iter().chain(&issuer.allow_roles) {
            self.role(&key("roles"), role, config);
        }
        self.issuer_keys(index, issuer);
    }

    fn issuer_keys(&mut self, index: usize, issuer: &Issuer) {
        let key = |name: &str| format!("auth.issuers[{index}].{name}");
        let algorithms = issuer.accepted_algorithms();
        let symmetric = algorithms
            .iter()
            .filter(|algorithm| algorithm.is_symmetric())
            .count();
        let url = issuer.keys_url();
        let public = issuer.jwks_file.is_some() || url.is_some() || !issuer.pem_files.is_empty();
        if algorithms.is_empty() {
            self.refuse(key("algorithms"), "nothing given, expected at least one");
        } else if symmetric > 0 && issuer.secret_file.is_none() {
            self.refuse(key("secret_file"), "nothing given, expected a path for HS…");
        } else if symmetric < algorithms.len() && !public {
            let expected = "expected one of jwks_url, jwks_file, pem_files";
            self.refuse(key("jwks_url"), format!("no public key given, {expected}"));
        }
        if symmetric == 0 && issuer.secret_file.is_some() {
            self.refuse(key("secret_file"), "given, but no algorithm takes a secret");
        }
        if let Some(url) = &url {
            let local = LOOPBACK_URLS.iter().any(|start| {
                let rest = url.strip_prefix(start);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
            });
            if !(local || url.starts_with("https://")) {
                self.refuse(
                    key("jwks_url"),
                    format!("{url:?} given, expected https://…"),
                );
            }
        }
    }
}

const LOOPBACK_URLS: [&str; 3] = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
