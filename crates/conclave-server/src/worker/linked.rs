//! Subscriptions to a user's own wallets follow the store: a wallet that is unlinked is heard no
//! more, one that is linked later is heard too, wherever that was done.

use std::sync::Arc;

use conclave_protocol::{
    Push, Refusal, Start, UserId, WalletAddress, WalletCommand, WalletReply, WatchId,
};

use super::answer::Answer;
use super::connection::Connection;
use super::standing::Outcome;
use crate::audit::Kind;
use crate::wallet::{self, Part, Right, WalletRefused, note_links};

/// Wallets that a subscription to all of them is to hear from now on.
pub(super) struct Joined {
    subscription: u64,
    result: Result<Vec<Part>, WalletRefused>,
}

/// A subscription that does not hear all wallets of the user.
struct Lacking {
    subscription: u64,
    command: WalletCommand,
    heard: Vec<WalletAddress>,
}

impl Connection {
    /// These are the user's wallets now. Those that are not among them are heard no more at once.
    pub(super) fn wallets_are(&self, user: &UserId, wallets: &Arc<[WalletAddress]>) {
        if self.start_kind != Start::Wallet || self.principal.borrow().user.as_ref() != Some(user) {
            return;
        }
        if let Some(wallet) = self.side().as_mut().and_then(|side| side.wallet.as_mut()) {
            wallet.told = Some(Arc::clone(wallets));
        }
        self.leave_unlinked(wallets);
        if self.job.borrow().is_none() {
            self.follow_wallets();
        }
    }

    /// The user's wallets are read again where anything rests on them.
    pub(super) fn doubt_wallets(&self) {
        let rests = |each: &wallet::Watched| each.rests_on == Right::Own || each.follows.is_some();
        let doubts = self.side().is_some_and(|side| {
            let mut all = side
                .wallet
                .iter()
                .flat_map(|wallet| wallet.subscriptions.values());
            all.any(|each| rests(&each.of))
        });
        let principal = self.principal.borrow();
        if doubts && let Some(user) = &principal.user {
            note_links(&self.worker.node, user);
        }
    }

    /// Takes up what was told of the user's wallets while a command was under way.
    pub(super) fn follow_wallets(&self) {
        if self.start_kind != Start::Wallet || self.job.borrow().is_some() {
            return;
        }
        let told = {
            let mut side = self.side();
            let wallet = side.as_mut().and_then(|side| side.wallet.as_mut());
            wallet.and_then(|wallet| wallet.told.take())
        };
        let (Some(told), Some(wallets)) = (told, self.worker.node.wallets.clone()) else {
            return;
        };
        // A subscription that was under way may have read them before.
        self.leave_unlinked(&told);
        let lacking = self.lacking(&told);
        if lacking.is_empty() {
            return;
        }
        let principal = Arc::clone(&self.principal.borrow());
        self.start(async move {
            let mut joined = Vec::with_capacity(lacking.len());
            for each in lacking {
                let result = wallets.join(&principal, &each.command, &each.heard).await;
                let subscription = each.subscription;
                joined.push(Joined {
                    subscription,
                    result,
                });
            }
            Outcome::Joined(joined)
        });
    }

    /// Subscriptions to all wallets that do not hear one of these.
    fn lacking(&self, wallets: &[WalletAddress]) -> Vec<Lacking> {
        let Some(side) = self.side() else {
            return Vec::new();
        };
        let all = side.wallet.iter().flat_map(|wallet| &wallet.subscriptions);
        let lacking = |(number, each): (&u64, &super::wallet::Subscription)| {
            let heard = each.of.addresses();
            let lacks = wallets.iter().any(|wallet| !heard.contains(wallet));
            let command = each.of.follows.clone().filter(|_| lacks)?;
            Some(Lacking {
                subscription: *number,
                command,
                heard,
            })
        };
        all.filter_map(lacking).collect()
    }

    /// Tells of wallets that are heard from now on. The subscription may have ended meanwhile.
    pub(super) fn joined(&self, joined: Vec<Joined>, answer: &mut Answer<'_>) {
        for Joined {
            subscription,
            result,
        } in joined
        {
            match result {
                Ok(parts) if self.shares() + parts.len() > self.shares_max() => {
                    self.refuse_joining(Refusal::TooLarge, &self.too_many(), answer);
                }
                Ok(parts) => self.join_parts(subscription, parts, answer),
                Err(WalletRefused::Said(Refusal::Unavailable, _)) => self.doubt_wallets(),
                Err(refused) => {
                    let (refusal, message) = refused.into_parts();
                    self.refuse_joining(refusal, &message, answer);
                }
            }
        }
    }

    fn join_parts(&self, subscription: u64, parts: Vec<Part>, answer: &mut Answer<'_>) {
        if parts.is_empty() || !self.has_subscription(subscription) {
            return;
        }
        let newest = self.hear_parts(&parts);
        if let Some(mut side) = self.side()
            && let Some(wallet) = side.wallet.as_deref_mut()
            && let Some(held) = wallet.subscriptions.get_mut(&subscription)
        {
            held.of.parts.extend(parts);
        }
        self.tell_addresses(subscription, answer);
        self.tell_newest(newest, answer);
    }

    fn has_subscription(&self, subscription: u64) -> bool {
        self.side().is_some_and(|side| {
            let wallet = side.wallet.as_ref();
            wallet.is_some_and(|wallet| wallet.subscriptions.contains_key(&subscription))
        })
    }

    fn refuse_joining(&self, refusal: Refusal, message: &str, answer: &mut Answer<'_>) {
        let kind = match refusal {
            Refusal::TooLarge => Kind::LimitHit,
            _ => Kind::PermissionDenied,
        };
        self.audit(kind, &format!("linked wallet: {message}"));
        let at = self.worker.node.clock.now();
        let error = Push::Error {
            refusal,
            message,
            at,
        };
        self.push(&error, answer);
    }

    /// Ends what names a wallet that is not among these, and takes such a wallet from what is
    /// about all of them.
    fn leave_unlinked(&self, wallets: &[WalletAddress]) {
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut payload,
        };
        let rests = |each: &wallet::Watched| {
            let gone = |part: &Part| !wallets.contains(&part.address);
            each.rests_on == Right::Own && each.follows.is_none() && each.parts.iter().any(gone)
        };
        self.end_all_watched(rests, "subscription ended: the wallet was unlinked", answer);
        let (shrunk, unheard) = self.take_unlinked(wallets);
        for watch in unheard {
            self.leave_watch(watch);
        }
        for subscription in shrunk {
            self.tell_addresses(subscription, answer);
        }
        self.send(&out);
    }

    /// Which subscriptions are about fewer wallets now, and what nothing hears any more.
    fn take_unlinked(&self, wallets: &[WalletAddress]) -> (Vec<u64>, Vec<WatchId>) {
        let (mut shrunk, mut unheard) = (Vec::new(), Vec::new());
        let Some(mut side) = self.side() else {
            return (shrunk, unheard);
        };
        let Some(wallet) = side.wallet.as_deref_mut() else {
            return (shrunk, unheard);
        };
        for (number, each) in &mut wallet.subscriptions {
            if each.of.follows.is_none() {
                continue;
            }
            let gone = each
                .of
                .parts
                .extract_if(.., |part| !wallets.contains(&part.address));
            let before = unheard.len();
            unheard.extend(gone.map(|part| part.watching.id()));
            if unheard.len() > before {
                shrunk.push(*number);
            }
        }
        unheard.retain(|watch| !wallet.hears(*watch));
        (shrunk, unheard)
    }

    fn tell_addresses(&self, subscription: u64, answer: &mut Answer<'_>) {
        let found = self.side().and_then(|side| {
            let held = side.wallet.as_ref()?.subscriptions.get(&subscription)?;
            Some((held.word, held.of.addresses()))
        });
        let Some((command, addresses)) = found else {
            return;
        };
        let reply = WalletReply {
            subscription,
            addresses,
        };
        self.push(
            &Push::WalletAddresses {
                command,
                answer: &reply,
            },
            answer,
        );
    }
}
