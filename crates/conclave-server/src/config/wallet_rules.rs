//! What is refused of `[wallet]`.

use conclave_client::Address;
use conclave_protocol::WalletAddress;

use super::Config;
use super::rules::Findings;

impl Findings {
    pub(super) fn wallet(&mut self, config: &Config) {
        let wallet = &config.wallet;
        self.path("wallet.path", &wallet.path, "/api/v1/web3/ws");
        for (key, given, range) in [
            ("wallet.gap_blocks", wallet.gap_blocks, 1..=256),
            ("wallet.nonce_seconds", wallet.nonce_seconds, 30..=3600),
            (
                "wallet.subscriptions_per_connection",
                wallet.subscriptions_per_connection,
                1..=10_000,
            ),
            ("wallet.watches", wallet.watches, 1..=1_000_000),
            ("wallet.tokens", wallet.tokens, 1..=100_000),
        ] {
            self.range(key, given, range);
        }
        if let Some(chain_id) = wallet.chain_id {
            self.range("wallet.chain_id", chain_id, 1..=i32::MAX.unsigned_abs());
        }
        for (index, contract) in wallet.contracts.iter().enumerate() {
            if let Err(error) = WalletAddress::parse(contract) {
                self.refuse(
                    format!("wallet.contracts[{index}]"),
                    format!("{contract:?} given, {error}"),
                );
            }
        }
        for (index, domain) in wallet.domains.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_graphic() && !b"/?#@".contains(&byte);
            if domain.is_empty() || !domain.bytes().all(plain) {
                let expected = "expected a host, with its port where it is not the usual one";
                let path = format!("wallet.domains[{index}]");
                self.refuse(path, format!("{domain:?} given, {expected}"));
            }
        }
        // It may hold a key, so that what is wrong says nothing of it.
        match &wallet.rpc_url {
            Some(url) => {
                if let Err(error) = Address::parse(url.reveal(), &[]) {
                    self.refuse("wallet.rpc_url", error.to_string());
                }
            }
            None if wallet.enabled => {
                self.refuse("wallet.rpc_url", "nothing given beside wallet.enabled");
            }
            None => {}
        }
        if wallet.enabled && wallet.domains.is_empty() {
            let problem = "nothing given, expected the host of a page";
            self.refuse("wallet.domains", problem);
        }
        if wallet.enabled && !cfg!(feature = "wallet") {
            let problem = "true given, but this program was built without the feature `wallet`";
            self.refuse("wallet.enabled", problem);
        }
    }
}
