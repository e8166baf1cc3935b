//! The task that keeps one connection: opens it, runs an engine over it, opens the next.
//!
//! Reading order: this file (one connection after the other), `serving` (one connection),
//! `verdict` (what the end of one means).

mod serving;
mod verdict;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::pace::Rate;
use crate::shared::Shared;
use crate::socket::{CONNECT_TIME, Socket};
use crate::status::{Connection, Status};
use crate::tokens::Token;
use verdict::{Trust, Verdict};

/// What a link gets from the client's owner.
pub(crate) enum Asked<O> {
    /// End the connection.
    Close,
    /// Open the connection, even where nothing needs it yet.
    Open,
    Order(O),
}

/// Where an engine's connection leads, and where it is shown.
pub(crate) trait Surface: Copy + Send + Sync + 'static {
    /// How fast it may be spoken to.
    const RATE: Rate;

    /// The address for a token.
    fn address(
        self,
        shared: &Shared,
        token: Option<&Token>,
    ) -> impl Future<Output = Result<Address>> + Send;

    /// Its part of the status.
    fn part(self, status: &mut Status) -> &mut Connection;
}

/// One connection after the other.
pub(crate) struct Link<E: Engine, S> {
    engine: E,
    surface: S,
    shared: Arc<Shared>,
    asked: mpsc::UnboundedReceiver<Asked<E::Order>>,
    status: watch::Sender<Status>,
    backoff: Backoff,
    trust: Trust,
    /// The token of the latest connection.
    token: Option<Token>,
    opens: bool,
    closing: bool,
}

/// Why a connection is over.
enum Over {
    /// The owner wants no more.
    Done,
    Failed(Error),
}

impl<E: Engine, S: Surface> Link<E, S> {
    pub(crate) fn new(
        (engine, surface): (E, S),
        shared: Arc<Shared>,
        asked: mpsc::UnboundedReceiver<Asked<E::Order>>,
        status: watch::Sender<Status>,
    ) -> Self {
        Self {
            engine,
            surface,
            shared,
            asked,
            status,
            backoff: Backoff::default(),
            trust: Trust::default(),
            token: None,
            opens: false,
            closing: false,
        }
    }

    /// Runs until the owner lets go of the client, or closes it.
    pub(crate) async fn run(mut self) {
        while self.wait_until_wanted().await {
            self.show(Connection::Connecting);
            let refused = self.trust.refused(self.token.as_ref());
            let opening = open(Arc::clone(&self.shared), self.surface, refused);
            let over = match self.while_asked(opening).await {
                None => Over::Done,
                Some(Err(error)) => Over::Failed(error),
                Some(Ok((socket, token))) => {
                    self.token = token;
                    self.serve(socket).await
                }
            };
            let Over::Failed(error) = over else { break };
            match self.trust.judge(error, self.shared.tokens.can_change()) {
                Verdict::Stop(error) => return self.stop(error).await,
                Verdict::Again(again, error) => {
                    let delay = self.backoff.delay(again, &self.shared.surroundings);
                    self.show(Connection::Waiting(error));
                    let until = Instant::now() + delay;
                    if self.while_asked(sleep_until(until)).await.is_none() {
                        break;
                    }
                }
            }
        }
        self.stop(Error::Closed).await;
    }

    async fn wait_until_wanted(&mut self) -> bool {
        while !(self.opens || self.closing || self.engine.is_wanted()) {
            match self.asked.recv().await {
                None => return false,
                Some(asked) => self.take(asked),
            }
        }
        !self.closing
    }

    fn take(&mut self, asked: Asked<E::Order>) {
        match asked {
            Asked::Close => self.closing = true,
            Asked::Open => self.opens = true,
            Asked::Order(order) => self.engine.order(order),
        }
    }

    /// Takes orders while something goes on without a connection; `None` where the client is
    /// closed meanwhile.
    async fn while_asked<T>(&mut self, going: impl Future<Output = T>) -> Option<T> {
        let mut going = pin!(going);
        while !self.closing {
            tokio::select! {
                done = &mut going => return Some(done),
                asked = self.asked.recv() => self.take(asked?),
            }
        }
        None
    }

    fn show(&self, connection: Connection) {
        let surface = self.surface;
        self.status
            .send_modify(|status| *surface.part(status) = connection);
    }

    /// Tells everybody who waits, and whoever asks later, why there is no more.
    async fn stop(mut self, error: Error) {
        self.show(Connection::Stopped(error.clone()));
        self.engine.stopped(&error);
        while let Some(asked) = self.asked.recv().await {
            self.take(asked);
            self.engine.stopped(&error);
        }
    }
}

/// Gets a token and opens a connection with it, within 10 s after the token.
async fn open<S: Surface>(
    shared: Arc<Shared>,
    surface: S,
    refused: Option<Token>,
) -> Result<(Socket, Option<Token>)> {
    let token = match refused {
        Some(refused) => shared.tokens.after(Some(&refused)).await?,
        None => shared.tokens.fresh().await?,
    };
    let address = surface.address(&shared, token.as_ref()).await?;
    let connected = timeout(CONNECT_TIME, async {
        let stream = (shared.connector)(address.clone()).await?;
        let text = token.as_ref().map(|token| token.text.as_str());
        Socket::over(stream, &address, text, shared.surroundings.clone()).await
    });
    let socket = connected
        .await
        .unwrap_or(Err(Error::Silent(CONNECT_TIME.as_secs())))?;
    Ok((socket, token))
}
