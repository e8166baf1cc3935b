//! The rules of `[[webhooks]]`.

use super::files::webhook_secret;
use super::rules::Findings;
use super::{Setup, Webhook};
use crate::webhooks::{Reach, url_problem};

impl Findings {
    pub(super) fn webhooks(&mut self, setup: &Setup) {
        for (index, webhook) in setup.config.webhooks.iter().enumerate() {
            self.webhook(setup, index, webhook);
        }
    }

    fn webhook(&mut self, setup: &Setup, index: usize, webhook: &Webhook) {
        let key = |name: &str| format!("webhooks[{index}].{name}");
        let mut earlier = setup.config.webhooks.iter().take(index);
        let name = webhook.shown_name();
        let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
        if let Some(problem) = url_problem(&webhook.url, Reach::of(webhook)) {
            self.refuse(key("url"), problem);
        } else if !fits || earlier.any(|other| other.shown_name() == name) {
            self.refuse(
                key("name"),
                "expected a name of at most 200 bytes that no other webhook has",
            );
        }
        if webhook.events.is_empty() {
            self.refuse(key("events"), "nothing given, expected at least one");
        }
        self.range(&key("timeout_seconds"), webhook.timeout_seconds, 1..=60);
        self.range(&key("batch"), webhook.batch, 1..=1000);
        if webhook.allow_private {
            let path = key("allow_private");
            self.warn(&path, "posts may go to private addresses, and unencrypted");
        }
        self.webhook_secret(setup, index, webhook);
    }

    fn webhook_secret(&mut self, setup: &Setup, index: usize, webhook: &Webhook) {
        let key = |name: &str| format!("webhooks[{index}].{name}");
        let name = match (&webhook.secret, &webhook.secret_file) {
            (Some(_), Some(_)) => {
                return self.refuse(
                    key("secret_file"),
                    "given beside secret, expected one of them",
                );
            }
            (None, None) => {
                return self.refuse(key("secret"), "nothing given, expected a secret");
            }
            (Some(_), None) => "secret",
            (None, Some(_)) => "secret_file",
        };
        // A file that cannot be read is a fault already.
        let Ok(secret) = webhook_secret(webhook) else {
            return;
        };
        match secret.weakness() {
            Some(weakness) if setup.profile.dev => {
                self.warn(&key(name), &format!("{weakness}; allowed by --dev only"));
            }
            Some(weakness) => self.refuse(key(name), weakness),
            None => {}
        }
    }
}

const NAME_BYTES_MAX: usize = 200;
