//! Linking wallets (conversation.md).

use axum::http::Method;

use super::Chapter;
use super::operation::{call, must, text};
use crate::http::wallets::{LinkedWallet, ListedToken, Nonce, OwnWallet};

pub(super) fn chapter() -> Chapter {
    let operations = vec![
        call(
            Method::GET,
            "/api/v1/web3/nonce",
            "A nonce for a wallet to sign",
        )
        .about("Works once, for the caller. 404 where wallets are off, as all of these.")
        .needs(READ)
        .gives::<Nonce>(200),
        call(Method::POST, "/api/v1/web3/link", "Link a wallet")
            .about("The message is one of EIP-4361 with a domain, URI and chain of this server.")
            .needs(READ)
            .body([
                must("message", text(), "As it was signed."),
                must("signature", text(), "`0x` and hexadecimal digits."),
            ])
            .gives::<LinkedWallet>(201),
        call(
            Method::GET,
            "/api/v1/web3/wallets",
            "One's wallets, the oldest first",
        )
        .needs(READ)
        .gives_list::<OwnWallet>(200),
        call(
            Method::GET,
            "/api/v1/web3/tokens",
            "ERC-20 tokens of `wallet.contracts`",
        )
        .about("Balances of them may be asked for without `wallet.read.any`.")
        .needs(READ)
        .gives_list::<ListedToken>(200),
        call(
            Method::DELETE,
            "/api/v1/web3/link/{address}",
            "Unlink a wallet",
        )
        .about("Subscriptions that rest on it end.")
        .needs(READ)
        .gives_nothing(),
    ];
    Chapter {
        tag: "wallets",
        about: "Whose a wallet of an Ethereum chain is. What happens to it comes by the socket.",
        operations,
    }
}

const READ: &str = "wallet.read";
