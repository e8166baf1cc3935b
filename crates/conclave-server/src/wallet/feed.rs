//! From a command to watches of the chain.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Context as _;
use conclave_client::Address;
use conclave_core::{Denied, Directory, WalletNews, WalletStore, WatchAny, WatchOwn, authorise};
use conclave_protocol::{
    Clock, FeedStatus, Principal, Refusal, UserId, Wallet, WalletAddress, WalletCommand,
    WalletEvent, Watch, WatchId,
};
use conclave_store::Store;
use conclave_wallet::{
    Ethereum, EthereumOptions, FeedBounds, Listener, UpstreamFigures, WalletFeed, WatchError,
};
use futures_util::future::try_join_all;
use tokio::sync::{Notify, OnceCell};

use super::changes::LinkChanges;
use super::{Feed, Part, Right, WalletRefused, Watched};
use crate::config::Setup;

pub(crate) use conclave_wallet::{KnownToken, Watching};

/// Wallets of a node.
pub(crate) struct Wallets {
    feed: Arc<WalletFeed>,
    upstream: Arc<UpstreamFigures>,
    news: WalletNews,
    /// What everybody with `wallet.read` may hear of.
    contracts: Box<[WalletAddress]>,
    chain_id: OnceCell<u64>,
    changes: LinkChanges,
    /// Those of `contracts` that are ERC-20, once the chain has said so.
    tokens: OnceCell<Vec<KnownToken>>,
    pub(super) store: Arc<dyn WalletStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) domains: Box<[String]>,
    pub(super) uri: Option<Box<str>>,
    pub(super) nonce_seconds: u32,
}

/// Passes on what the feed tells.
struct Teller {
    news: WalletNews,
    /// Told when the chain is followed.
    live: Arc<Notify>,
    clock: Arc<dyn Clock>,
}

impl Listener for Teller {
    fn tell(&self, watch: WatchId, event: WalletEvent) {
        if event == WalletEvent::Status(FeedStatus::Live) {
            self.live.notify_one();
        }
        self.news.tell(watch, event, self.clock.now());
    }
}

impl Wallets {
    /// Begins to follow the chain; `None` where wallets are off. Tasks of the runtime that calls
    /// it go on with it.
    ///
    /// # Errors
    /// The URL leads nowhere.
    pub(crate) fn open(
        setup: &Setup,
        directory: &Arc<Directory>,
        (store, clock): (&Arc<Store>, &Arc<dyn Clock>),
    ) -> anyhow::Result<Option<Arc<Self>>> {
        let config = &setup.config.wallet;
        let (true, Some(url)) = (config.enabled, &config.rpc_url) else {
            return Ok(None);
        };
        let (chain, run) = Ethereum::new(EthereumOptions {
            address: Address::parse(url.reveal(), &[]).context("wallet.rpc_url")?,
            ca: config.ca_file.clone(),
            chain_id: config.chain_id.map(u64::from),
            pending: config.pending,
        });
        let upstream = Arc::clone(chain.figures());
        let news = WalletNews::new(Arc::clone(directory));
        let live = Arc::new(Notify::new());
        let teller = Teller {
            news: news.clone(),
            live: Arc::clone(&live),
            clock: Arc::clone(clock),
        };
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let bounds = FeedBounds {
            watches: size(config.watches),
            tokens: size(config.tokens),
            confirmations: config.confirmations.into(),
            gap: size(config.gap_blocks),
        };
        let feed = WalletFeed::new(Arc::new(chain), Arc::new(teller), bounds);
        let contracts: Result<_, _> = config
            .contracts
            .iter()
            .map(|text| WalletAddress::parse(text))
            .collect();
        let wallets = Arc::new(Self {
            feed: Arc::clone(&feed),
            upstream,
            news,
            contracts: contracts.context("wallet.contracts")?,
            chain_id: OnceCell::new_with(config.chain_id.map(u64::from)),
            changes: LinkChanges::default(),
            tokens: OnceCell::new(),
            store: Arc::clone(store) as _,
            clock: Arc::clone(clock),
            domains: config.domains.clone().into(),
            uri: config.uri.as_deref().map(Box::from),
            nonce_seconds: config.nonce_seconds,
        });
        tokio::spawn(run);
        tokio::spawn(feed.run());
        tokio::spawn(learn_chain_id(Arc::clone(&wallets), live));
        Ok(Some(wallets))
    }

    /// What connections hear.
    pub(crate) const fn news(&self) -> &WalletNews {
        &self.news
    }

    /// Whether the chain is followed.
    pub(crate) fn is_live(&self) -> bool {
        self.feed.is_live()
    }

    /// How the feed is.
    pub(crate) fn feed(&self) -> Feed {
        let (watches, told) = (self.feed.watches(), self.feed.figures());
        Feed {
            chain_id: self.chain_id.get().copied(),
            is_live: self.feed.is_live(),
            head: self.feed.newest(),
            balance: watches.balance,
            contract: watches.contract,
            transactions: watches.transactions,
            addresses: watches.addresses,
            watches: watches.watches,
            requests: self.upstream.requests(),
            reconnects: self.upstream.connects().saturating_sub(1),
            strangers: self.upstream.strangers(),
            blocks: told.blocks(),
            reorganisations: told.reorganisations(),
            gaps_filled: told.gaps_filled(),
        }
    }

    pub(super) const fn link_changes(&self) -> &LinkChanges {
        &self.changes
    }

    pub(super) const fn watched(&self) -> &Arc<WalletFeed> {
        &self.feed
    }

    /// EIP-155.
    ///
    /// # Errors
    /// The node is away and has never said it.
    pub(super) async fn chain_id(&self) -> Result<u64, WalletRefused> {
        let ask = || self.feed.chain().chain_id();
        let id = self.chain_id.get_or_try_init(ask).await;
        id.copied()
            .map_err(|error| refused(&WatchError::Chain(error)))
    }

    /// The ERC-20 tokens among the contracts that everybody may hear of. The chain is asked once.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) async fn tokens(&self) -> Result<&[KnownToken], WalletRefused> {
        let ask = || self.feed.tokens(&self.contracts);
        let tokens = self.tokens.get_or_try_init(ask).await;
        let tokens = tokens.map_err(|error| refused(&error))?;
        Ok(tokens)
    }

    /// Begins to watch what a command asks for. Of balances, what there is now was read.
    ///
    /// # Errors
    /// It is not allowed, or the chain does not answer.
    pub(crate) async fn watch(
        &self,
        principal: &Principal,
        command: WalletCommand,
    ) -> Result<Watched, WalletRefused> {
        authorise(principal, WatchOwn)?;
        let mut beyond = Vec::new();
        let (addresses, right) = match &command {
            WalletCommand::Balance { address, tokens } => {
                let addresses = self.accounts(principal, *address, &mut beyond).await?;
                self.take_unlisted(principal, tokens, &mut beyond)?;
                let known = self.feed.introduce_tokens(tokens).await;
                known.map_err(|error| refused(&error))?;
                (addresses, Right::Own)
            }
            WalletCommand::Transactions { address } => {
                let addresses = self.accounts(principal, *address, &mut beyond).await?;
                (addresses, Right::Own)
            }
            WalletCommand::Contract { address, .. } => {
                self.take_unlisted(principal, &[*address], &mut beyond)?;
                (vec![*address], Right::Listed)
            }
            // Answered by the connection.
            WalletCommand::Unwatch { .. } => (Vec::new(), Right::Own),
        };
        let parts = self.share(&command, &addresses)?;
        read(&parts).await.map_err(|error| refused(&error))?;
        Ok(Watched {
            parts,
            rests_on: match beyond.is_empty() {
                true => right,
                false => Right::Any,
            },
            beyond,
            follows: is_about_all(&command).then_some(command),
        })
    }

    /// Begins to watch wallets that were linked after the command, those of `heard` left out.
    /// Where the chain is away, what they have is told once it is back.
    ///
    /// # Errors
    /// It is not allowed, or there are too many watches.
    pub(crate) async fn join(
        &self,
        principal: &Principal,
        command: &WalletCommand,
        heard: &[WalletAddress],
    ) -> Result<Vec<Part>, WalletRefused> {
        let mut addresses = self.accounts(principal, None, &mut Vec::new()).await?;
        addresses.retain(|address| !heard.contains(address));
        let parts = self.share(command, &addresses)?;
        if let Err(error) = read(&parts).await {
            tracing::debug!(%error, "the balance of a linked wallet is not known yet");
        }
        Ok(parts)
    }

    /// Shares in what the command asks for of each of these.
    fn share(
        &self,
        command: &WalletCommand,
        addresses: &[WalletAddress],
    ) -> Result<Vec<Part>, WalletRefused> {
        let of = |address: &WalletAddress| {
            let address = *address;
            watches(command, address)
                .into_iter()
                .map(move |watch| (address, watch))
        };
        let part = |(address, watch)| {
            let watching = self.feed.watch(&watch)?;
            Ok(Part { address, watching })
        };
        let parts: Result<_, WatchError> = addresses.iter().flat_map(of).map(part).collect();
        parts.map_err(|error| refused(&error))
    }

    /// The account that was named, or all that the user has linked on this chain. What is not the
    /// user's goes to `beyond`.
    async fn accounts(
        &self,
        principal: &Principal,
        named: Option<WalletAddress>,
        beyond: &mut Vec<WalletAddress>,
    ) -> Result<Vec<WalletAddress>, WalletRefused> {
        let Some(user) = &principal.user else {
            return Err(Denied::Anonymous.into());
        };
        let own = self.own(user).await;
        let Some(address) = named else {
            return own;
        };
        match own {
            Ok(own) if own.contains(&address) => {}
            // Who may hear of any needs no link, and so nobody who says whether there is one.
            Ok(_) => {
                authorise(principal, WatchAny)?;
                beyond.push(address);
            }
            Err(refused) => {
                authorise(principal, WatchAny).map_err(|_denied| refused)?;
                beyond.push(address);
            }
        }
        Ok(vec![address])
    }

    /// The wallets of a user on this chain.
    pub(super) async fn own(&self, user: &UserId) -> Result<Vec<WalletAddress>, WalletRefused> {
        let chain_id = self.chain_id().await?;
        let wallets = self.store.wallets(user).await.map_err(|error| {
            tracing::error!(error = %error.0, "the store is unavailable");
            WalletRefused::Said(Refusal::Unavailable, "the store is unavailable".into())
        })?;
        let here = |wallet: &Wallet| wallet.chain_id == chain_id;
        let here = wallets.iter().filter(|wallet| here(wallet));
        Ok(here.map(|wallet| wallet.address).collect())
    }

    /// Contracts that not everybody may hear of go to `beyond`.
    fn take_unlisted(
        &self,
        principal: &Principal,
        contracts: &[WalletAddress],
        beyond: &mut Vec<WalletAddress>,
    ) -> Result<(), Denied> {
        let unlisted = |each: &&WalletAddress| !self.contracts.contains(*each);
        let before = beyond.len();
        beyond.extend(contracts.iter().filter(unlisted));
        if beyond.len() > before {
            authorise(principal, WatchAny)?;
        }
        Ok(())
    }
}

/// Whether a command is about all wallets of the user.
const fn is_about_all(command: &WalletCommand) -> bool {
    match command {
        WalletCommand::Balance { address, .. } | WalletCommand::Transactions { address } => {
            address.is_none()
        }
        WalletCommand::Contract { .. } | WalletCommand::Unwatch { .. } => false,
    }
}

/// What a command wants to be told of this address.
fn watches(command: &WalletCommand, address: WalletAddress) -> Vec<Watch> {
    match command {
        WalletCommand::Balance { tokens, .. } => vec![Watch::Balance {
            address,
            tokens: tokens.clone(),
        }],
        WalletCommand::Contract { events, .. } => {
            let watch = |event| Watch::Contract { address, event };
            events.iter().cloned().map(watch).collect()
        }
        WalletCommand::Transactions { .. } => vec![Watch::Transactions { address }],
        WalletCommand::Unwatch { .. } => Vec::new(),
    }
}

/// Reads what there is now, where nobody has yet.
async fn read(parts: &[Part]) -> Result<(), WatchError> {
    let balances = parts.iter().map(|part| part.watching.balance());
    try_join_all(balances).await.map(drop)
}

/// Asks until the node has said which chain it is.
async fn learn_chain_id(wallets: Arc<Wallets>, live: Arc<Notify>) {
    while wallets.chain_id().await.is_err() {
        live.notified().await;
    }
}

pub(super) fn refused(error: &WatchError) -> WalletRefused {
    let (refusal, text): (_, Cow<'static, str>) = match error {
        WatchError::Chain(fault) => {
            tracing::debug!(error = %fault, "the chain does not answer");
            (Refusal::Unavailable, "the chain does not answer".into())
        }
        WatchError::Full(full) => (Refusal::TooLarge, full.to_string().into()),
        WatchError::Invalid(text) => (Refusal::BadRequest, text.to_string().into()),
    };
    WalletRefused::Said(refusal, text)
}
