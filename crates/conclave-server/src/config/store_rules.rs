//! The rules of `[store]`.

use conclave_store::Address;

use super::rules::Findings;
use super::{Config, Secret};

impl Findings {
    pub(super) fn store(&mut self, config: &Config) {
        let store = &config.store;
        let url = given(store.url.as_ref());
        for (key, url) in [
            ("store.url", url),
            ("store.replica_url", given(store.replica_url.as_ref())),
        ] {
            let parsed = url.map(|url| Address::parse(url.reveal()));
            if let Some(Err(fault)) = parsed {
                let expected = "expected postgres://user:password@host:port/database";
                self.refuse(key, format!("{fault}, {expected}"));
            }
        }
        if url.is_some() && store.path.is_some() {
            self.refuse("store.path", "given beside store.url, expected one of them");
        }
        if url.is_none() && given(store.replica_url.as_ref()).is_some() {
            self.refuse("store.replica_url", "given without store.url");
        }
        if let Some(readers) = store.readers {
            self.range("store.readers", readers, 1..=100);
        }
        self.range(
            "store.statement_timeout_ms",
            store.statement_timeout_ms,
            100..=600_000,
        );
    }
}

/// The empty text is nothing.
fn given(url: Option<&Secret>) -> Option<&Secret> {
    url.filter(|url| !url.reveal().is_empty())
}
