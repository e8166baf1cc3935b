//! Subscriptions to a chain: what a connection hears, why it may, and how that ends.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_core::{HearWatch, WatchAny, WatchOwn, authorise};
use conclave_protocol::{
    Balance, Body, Channel, FeedStatus, Position, Principal, Publication, Push, Refusal, Reply,
    Start, WalletAddress, WalletCommand, WalletEvent, WalletReply, WatchId,
};

use super::answer::{Answer, Refused};
use super::connection::{Connection, Surface};
use super::fan_out::frame;
use super::standing::Outcome;
use crate::audit::Kind;
use crate::wallet::{self, Part, Right, WalletRefused};

/// What a connection hears of a chain.
#[derive(Default)]
pub(super) struct WalletSide {
    /// The last subscription's.
    number: u64,
    /// By the number that the client was told.
    pub(super) subscriptions: BTreeMap<u64, Subscription>,
    /// The user's wallets, where that they have changed was told since they were last read.
    pub(super) told: Option<Arc<[WalletAddress]>>,
}

/// What a client has subscribed to.
pub(super) struct Subscription {
    /// The command's.
    pub(super) word: &'static str,
    pub(super) of: wallet::Watched,
}

/// What came of a command.
pub(super) struct Watched {
    word: &'static str,
    result: Result<wallet::Watched, WalletRefused>,
}

impl WalletSide {
    /// How many watches it shares.
    fn shares(&self) -> usize {
        let shares = self.subscriptions.values().map(|each| each.of.parts.len());
        shares.sum()
    }

    pub(super) fn hears(&self, watch: WatchId) -> bool {
        let mut all = self.subscriptions.values().flat_map(|each| &each.of.parts);
        all.any(|part| part.watching.id() == watch)
    }
}

impl Connection {
    /// What a connection of wallets begins with.
    pub(super) fn begin_wallet(&self) {
        if let Some(mut side) = self.side() {
            side.wallet = Some(Box::default());
        }
        self.welcome(None);
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut payload,
        };
        self.hear_chain(answer);
        self.send(&out);
    }

    /// Hears whether the chain is followed, where it may and does not yet; says so where it is
    /// not.
    fn hear_chain(&self, answer: &mut Answer<'_>) {
        if self.hear_watch(WatchId::default())
            && let Some(wallets) = &self.worker.node.wallets
            && !wallets.is_live()
        {
            self.tell(WalletEvent::Status(FeedStatus::Degraded), answer);
        }
    }

    /// Joins those who hear a watch; false where it does already, or may not.
    fn hear_watch(&self, watch: WatchId) -> bool {
        let Some(wallets) = &self.worker.node.wallets else {
            return false;
        };
        if self.hears_channel(&Channel::Watch(watch)) {
            return false;
        }
        let Ok(permit) = authorise(&self.principal.borrow(), HearWatch { watch }) else {
            return false;
        };
        let subscribed = wallets.news().hear(permit, self.worker.number);
        self.add_membership(self.worker.hub.join(&subscribed, self.slot()));
        true
    }

    fn hears_channel(&self, channel: &Channel) -> bool {
        let memberships = self.memberships.borrow();
        memberships.iter().any(|held| **held.channel() == *channel)
    }

    pub(super) fn leave_watch(&self, watch: WatchId) {
        let channel = Channel::Watch(watch);
        let mut memberships = self.memberships.borrow_mut();
        if let Some(place) = memberships.iter().position(|h| **h.channel() == channel) {
            drop(memberships.swap_remove(place));
        }
    }

    pub(super) fn wallet_command(
        &self,
        command: WalletCommand,
        word: &'static str,
        answer: &mut Answer<'_>,
    ) {
        if let WalletCommand::Unwatch { subscription } = command {
            return self.unwatch(subscription, word, answer);
        }
        let principal = Arc::clone(&self.principal.borrow());
        if let Err(denied) = authorise(&principal, WatchOwn) {
            return self.deny(denied, word, None, answer);
        }
        let Some(wallets) = self.worker.node.wallets.clone() else {
            return;
        };
        if self.shares() >= self.shares_max() {
            return self.refuse_too_many(word, answer);
        }
        if let Some(wallet) = self.side().as_mut().and_then(|side| side.wallet.as_mut()) {
            wallet.told = None;
        }
        self.start(async move {
            let result = wallets.watch(&principal, command).await;
            Outcome::Watched(Box::new(Watched { word, result }))
        });
    }

    /// Answers a subscription. Its rights may have changed while the chain was asked.
    pub(super) fn watched(&self, watched: Watched, answer: &mut Answer<'_>) {
        let word = watched.word;
        let begun = match watched.result {
            Ok(begun) => begun,
            Err(WalletRefused::Denied(denied)) => return self.deny(denied, word, None, answer),
            Err(WalletRefused::Said(refusal, message)) => {
                let refused = Refused {
                    refusal,
                    message,
                    word,
                    topic: None,
                };
                return self.refuse(refused, answer);
            }
        };
        let principal = Arc::clone(&self.principal.borrow());
        let denied = match begun.rests_on {
            Right::Any => authorise(&principal, WatchAny).err(),
            Right::Listed | Right::Own => authorise(&principal, WatchOwn).err(),
        };
        if let Some(denied) = denied {
            return self.deny(denied, word, None, answer);
        }
        if self.shares() + begun.parts.len() > self.shares_max() {
            return self.refuse_too_many(word, answer);
        }
        self.audit_beyond(word, &begun.beyond);
        self.hear_chain(answer);
        let newest = self.hear_parts(&begun.parts);
        let addresses = begun.addresses();
        let Some(subscription) = self.keep_watched(word, begun) else {
            return;
        };
        let reply = WalletReply {
            subscription,
            addresses,
        };
        self.reply(
            &Reply::Wallet {
                command: word,
                answer: &reply,
            },
            answer,
        );
        self.tell_newest(newest, answer);
    }

    /// Hears what is told from now on; what was told before is the newest.
    pub(super) fn hear_parts(&self, parts: &[Part]) -> Vec<Arc<Balance>> {
        for part in parts {
            self.hear_watch(part.watching.id());
        }
        let newest = parts.iter().filter_map(|part| part.watching.newest());
        newest.collect()
    }

    pub(super) fn tell_newest(&self, newest: Vec<Arc<Balance>>, answer: &mut Answer<'_>) {
        for balance in newest {
            self.tell(WalletEvent::Balance((*balance).clone()), answer);
        }
    }

    /// One line for each subscription that only `wallet.read.any` allows.
    fn audit_beyond(&self, word: &str, beyond: &[WalletAddress]) {
        if beyond.is_empty() {
            return;
        }
        let texts: Vec<String> = beyond.iter().map(ToString::to_string).collect();
        let texts = texts.join(" ");
        self.audit(
            Kind::PowerUsed,
            &format!("{word} by wallet.read.any: {texts}"),
        );
    }

    fn keep_watched(&self, word: &'static str, of: wallet::Watched) -> Option<u64> {
        let mut side = self.side()?;
        let wallet = side.wallet.as_deref_mut()?;
        wallet.number += 1;
        let subscription = Subscription { word, of };
        wallet.subscriptions.insert(wallet.number, subscription);
        Some(wallet.number)
    }

    fn unwatch(&self, subscription: u64, word: &'static str, answer: &mut Answer<'_>) {
        if !self.end_watched(subscription) {
            let refused = Refused {
                refusal: Refusal::NotFound,
                message: Cow::Borrowed("no such subscription"),
                word,
                topic: None,
            };
            return self.refuse(refused, answer);
        }
        let reply = WalletReply {
            subscription,
            addresses: Vec::new(),
        };
        self.reply(
            &Reply::Wallet {
                command: word,
                answer: &reply,
            },
            answer,
        );
    }

    /// Whether there was such a subscription. Watches that another one shares go on.
    fn end_watched(&self, subscription: u64) -> bool {
        let (gone, unheard) = {
            let Some(mut side) = self.side() else {
                return false;
            };
            let Some(wallet) = side.wallet.as_deref_mut() else {
                return false;
            };
            let Some(gone) = wallet.subscriptions.remove(&subscription) else {
                return false;
            };
            let ids = gone.of.parts.iter().map(|part| part.watching.id());
            let unheard: Vec<_> = ids.filter(|id| !wallet.hears(*id)).collect();
            (gone, unheard)
        };
        for watch in unheard {
            self.leave_watch(watch);
        }
        drop(gone);
        true
    }

    /// Ends what new permissions do not allow any more.
    pub(super) fn review_wallet(&self, answer: &mut Answer<'_>) {
        if self.start_kind != Start::Wallet {
            return;
        }
        let principal = Arc::clone(&self.principal.borrow());
        let may = may(&principal);
        self.end_all_watched(
            |each| !may(each.rests_on),
            "subscription ended: wallet.read was taken away",
            answer,
        );
        if authorise(&principal, WatchOwn).is_ok() {
            self.hear_chain(answer);
        } else {
            self.leave_watch(WatchId::default());
        }
    }

    pub(super) fn end_all_watched(
        &self,
        ends: impl Fn(&wallet::Watched) -> bool,
        why: &str,
        answer: &mut Answer<'_>,
    ) {
        let ended: Vec<u64> = self.side().map_or_else(Vec::new, |side| {
            let all = side.wallet.iter().flat_map(|wallet| &wallet.subscriptions);
            let ended = all.filter(|(_, each)| ends(&each.of));
            ended.map(|(number, _)| *number).collect()
        });
        for subscription in ended {
            self.end_watched(subscription);
            self.audit(Kind::PermissionDenied, why);
            self.push(&Push::WalletEnded { subscription }, answer);
        }
    }

    pub(super) fn shares(&self) -> usize {
        self.side()
            .and_then(|side| side.wallet.as_ref().map(|wallet| wallet.shares()))
            .unwrap_or(0)
    }

    pub(super) fn shares_max(&self) -> usize {
        let most = self
            .worker
            .node
            .setup
            .config
            .wallet
            .subscriptions_per_connection;
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    fn refuse_too_many(&self, word: &'static str, answer: &mut Answer<'_>) {
        let refused = Refused {
            refusal: Refusal::TooLarge,
            message: Cow::Owned(self.too_many()),
            word,
            topic: None,
        };
        self.refuse(refused, answer);
    }

    pub(super) fn too_many(&self) -> String {
        let most = self.shares_max();
        format!("at most {most} addresses and events per connection")
    }

    /// Tells this connection alone.
    fn tell(&self, event: WalletEvent, answer: &mut Answer<'_>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        let publication = Publication::new(
            Arc::new(Channel::Watch(WatchId::default())),
            Position::default(),
            self.worker.node.clock.now(),
            Body::Wallet(Arc::new(event)),
            0,
        );
        let bytes = frame(dialect, self.form(), false, &publication);
        answer.out.extend_from_slice(bytes);
    }
}

/// What a principal may hear.
fn may(principal: &Principal) -> impl Fn(Right) -> bool + use<> {
    let own = authorise(principal, WatchOwn).is_ok();
    let any = authorise(principal, WatchAny).is_ok();
    move |right| match right {
        Right::Any => any,
        Right::Listed | Right::Own => own,
    }
}
