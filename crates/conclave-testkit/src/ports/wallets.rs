//! What every implementation of `WalletStore` does.

use conclave_core::{Linking, NONCES_PER_USER, WALLETS_PER_USER, WalletStore};
use conclave_protocol::{Timestamp, UserId, Wallet, WalletAddress};

const fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn wallet(user: &UserId, byte: u8, seconds: u64) -> Wallet {
    Wallet {
        user: user.clone(),
        address: WalletAddress([byte; 20]),
        chain_id: 1,
        linked_at: at(seconds),
    }
}

/// Runs the suite on a store without wallets; leaves one, with the address 0x0202…02 of user
/// `bob`, linked at second 5.
///
/// # Panics
/// Where the implementation differs.
pub async fn wallets_conformance(store: &dyn WalletStore) {
    let (alice, bob) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
    nonces_work_once(store, &alice, &bob).await;
    wallets_are_bounded(store, &alice).await;
    let only = wallet(&bob, 2, 5);
    assert_eq!(store.wallets(&bob).await.unwrap(), vec![only]);
}

async fn nonces_work_once(store: &dyn WalletStore, alice: &UserId, bob: &UserId) {
    let keep = async |user, byte: u8, now, until| {
        let nonce = [byte; 32];
        let kept = store.keep_nonce(user, &nonce, at(now), at(until));
        kept.await.unwrap();
    };
    let link = async |wallet: Wallet, byte: u8| store.link(&wallet, &[byte; 32]).await.unwrap();
    let unknown = Linking::NonceUnknown;
    assert_eq!(link(wallet(alice, 1, 1), 1).await, unknown, "never given");
    keep(alice, 1, 1, 10).await;
    assert_eq!(link(wallet(bob, 1, 2), 1).await, unknown, "somebody else's");
    assert_eq!(link(wallet(alice, 1, 10), 1).await, unknown, "too old");
    assert_eq!(link(wallet(alice, 1, 9), 1).await, Linking::Linked);
    assert_eq!(link(wallet(alice, 3, 9), 1).await, unknown, "used");
    assert_eq!(
        store.wallets(alice).await.unwrap(),
        vec![wallet(alice, 1, 9)]
    );
    // The same account may be somebody else's too, and may be linked again.
    keep(bob, 2, 1, 10).await;
    assert_eq!(link(wallet(bob, 1, 4), 2).await, Linking::Linked);
    keep(bob, 2, 1, 10).await;
    assert_eq!(link(wallet(bob, 2, 5), 2).await, Linking::Linked);
    keep(bob, 2, 1, 10).await;
    assert_eq!(link(wallet(bob, 1, 6), 2).await, Linking::Linked);
    let own = store.wallets(bob).await.unwrap();
    assert_eq!(
        own,
        vec![wallet(bob, 1, 4), wallet(bob, 2, 5)],
        "the oldest first"
    );
    assert!(store.unlink(bob, WalletAddress([1; 20])).await.unwrap());
    assert!(!store.unlink(bob, WalletAddress([1; 20])).await.unwrap());
    assert_eq!(store.wallets(alice).await.unwrap().len(), 1, "is not bob's");
    // The oldest of many is forgotten.
    let most = u8::try_from(NONCES_PER_USER).unwrap();
    for byte in 0..=most {
        keep(bob, 100 + byte, 1, 20 + u64::from(byte)).await;
    }
    assert_eq!(link(wallet(bob, 2, 6), 100).await, unknown, "forgotten");
    assert_eq!(link(wallet(bob, 2, 6), 101).await, Linking::Linked);
}

async fn wallets_are_bounded(store: &dyn WalletStore, alice: &UserId) {
    let most = u8::try_from(WALLETS_PER_USER).unwrap();
    let mut came = Vec::new();
    for byte in 1..=most + 1 {
        let nonce = [byte; 32];
        let kept = store.keep_nonce(alice, &nonce, at(20), at(30));
        kept.await.unwrap();
        let wallet = wallet(alice, byte, 20 + u64::from(byte) / 10);
        came.push(store.link(&wallet, &[byte; 32]).await.unwrap());
    }
    let last = came.pop();
    assert_eq!(last, Some(Linking::Full));
    assert!(came.iter().all(|came| *came == Linking::Linked));
    for byte in 1..=most {
        assert!(
            store
                .unlink(alice, WalletAddress([byte; 20]))
                .await
                .unwrap()
        );
    }
    assert_eq!(store.wallets(alice).await.unwrap(), Vec::new());
}
