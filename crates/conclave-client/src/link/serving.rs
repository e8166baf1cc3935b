//! One connection: an engine's frames out, the server's in, until it ends.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{Asked, Link, Over, Surface};
use crate::engine::{Engine, Heard, Reading};
use crate::error::{Error, Result};
use crate::http::segment;
use crate::pace::{Pace, Rate};
use crate::socket::{Incoming, Socket};
use crate::status::Connection;
use crate::tokens::Token;

type Page = Pin<Box<dyn Future<Output = (Box<str>, Result<Value>)> + Send>>;
type Renewal = Pin<Box<dyn Future<Output = Result<Option<Token>>> + Send>>;

/// What goes on while a connection is open.
struct Going {
    opened_at: Instant,
    answered: bool,
    pace: Pace,
    pages: FuturesUnordered<Page>,
    renewal: Option<Renewal>,
    renew_at: Option<Instant>,
    /// Since when the server has said nothing.
    silent_since: Instant,
    pinged: bool,
    /// Since when an answer is waited for.
    waiting_since: Option<Instant>,
}

/// What came next.
enum Event<O> {
    Asked(Option<Asked<O>>),
    Incoming(Result<Incoming>),
    Page(Box<str>, Result<Value>),
    Renewed(Result<Option<Token>>),
    Time,
}

impl Going {
    fn new(rate: Rate, now: Instant) -> Self {
        Self {
            opened_at: now,
            answered: false,
            pace: Pace::new(rate, now),
            pages: FuturesUnordered::new(),
            renewal: None,
            renew_at: None,
            silent_since: now,
            pinged: false,
            waiting_since: None,
        }
    }

    /// The server said something.
    fn is_there(&mut self) {
        (self.silent_since, self.pinged) = (Instant::now(), false);
    }

    /// When the server's silence is too long: for a ping, then for the connection.
    fn silent_at(&self) -> Instant {
        let after = if self.pinged {
            SILENCE + ANSWER_TIME
        } else {
            SILENCE
        };
        self.silent_since + after
    }

    fn deadline(&self, send_at: Option<Instant>) -> Instant {
        let unanswered = self.waiting_since.map(|since| since + ANSWER_TIME);
        let others = [send_at, self.renew_at, unanswered];
        others
            .into_iter()
            .flatten()
            .fold(self.silent_at(), Instant::min)
    }
}

impl<E: Engine, S: Surface> Link<E, S> {
    /// Runs the engine over a connection until it ends.
    pub(super) async fn serve(&mut self, mut socket: Socket) -> Over {
        let mut going = Going::new(S::RATE, Instant::now());
        going.renew_at = self.renewal_time(going.opened_at);
        self.engine.opened();
        let error = loop {
            let send_at = self.send(&mut socket, &mut going);
            if self.closing {
                socket.close().await;
                return Over::Done;
            }
            match self.next_event(&mut socket, &mut going, send_at).await {
                Event::Asked(Some(asked)) => self.take(asked),
                Event::Asked(None) => self.closing = true,
                Event::Incoming(Ok(Incoming::Text(text))) => {
                    if let Some(error) = self.heard(&text, &mut going) {
                        break error;
                    }
                }
                Event::Incoming(Ok(Incoming::Pong)) => going.is_there(),
                Event::Incoming(Ok(Incoming::Closed(ending))) => break Error::Ended(ending),
                Event::Incoming(Err(error)) => break error,
                Event::Page(room, page) => {
                    let heard = self.engine.read(&room, page);
                    if let Some(error) = self.follow(heard, &mut going) {
                        break error;
                    }
                }
                Event::Renewed(token) => self.renewed(token, &mut socket, &mut going),
                Event::Time => {
                    if let Some(error) = self.time_passed(&mut socket, &mut going) {
                        break error;
                    }
                }
            }
        };
        if going.answered && going.opened_at.elapsed() >= STEADY {
            self.backoff.reset();
        }
        self.engine.lost(&error);
        Over::Failed(error)
    }

    async fn next_event(
        &mut self,
        socket: &mut Socket,
        going: &mut Going,
        send_at: Option<Instant>,
    ) -> Event<E::Order> {
        let deadline = going.deadline(send_at);
        let renewal = &mut going.renewal;
        let renewed = async {
            match renewal {
                Some(renewal) => renewal.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            incoming = socket.receive() => Event::Incoming(incoming),
            asked = self.asked.recv() => Event::Asked(asked),
            Some((room, page)) = going.pages.next() => Event::Page(room, page),
            token = renewed => Event::Renewed(token),
            () = sleep_until(deadline) => Event::Time,
        }
    }

    /// Sends what may be sent now; tells when more may be, where more waits.
    fn send(&mut self, socket: &mut Socket, going: &mut Going) -> Option<Instant> {
        let now = Instant::now();
        let send_at = loop {
            let ready = going.pace.ready_at(now);
            if ready > now {
                break Some(ready);
            }
            let Some(frame) = self.engine.next() else {
                break None;
            };
            going.pace.take();
            socket.queue_text(&frame);
        };
        going.waiting_since = match (self.engine.awaits_answer(), going.waiting_since) {
            (false, _) => None,
            (true, Some(since)) => Some(since),
            (true, None) => Some(now),
        };
        send_at
    }

    fn heard(&mut self, text: &str, going: &mut Going) -> Option<Error> {
        going.is_there();
        // Whatever it is, the server works on what it was sent.
        going.waiting_since = None;
        if !going.answered {
            // A refused connection is opened too, and closed without a word.
            going.answered = true;
            self.trust.prove();
            self.show(Connection::Open);
        }
        let heard = self.engine.heard(text);
        self.follow(heard, going)
    }

    /// Does what the engine made of a message; the error that ends the connection, if it does.
    fn follow(&mut self, heard: Heard, going: &mut Going) -> Option<Error> {
        let now = Instant::now();
        match heard {
            Heard::Refused(error) => return Some(error),
            Heard::Fine => {}
            Heard::Read(reading) => going.pages.push(self.page(reading)),
            Heard::Slow => going.pace.slow_down(now),
            // The connection ends with its token; the next one asks for another.
            Heard::Unrenewed => going.renew_at = None,
        }
        None
    }

    /// A page of what was missed; tried again with pauses while the server is away.
    fn page(&self, reading: Reading) -> Page {
        let shared = std::sync::Arc::clone(&self.shared);
        Box::pin(async move {
            let Reading { room, after } = reading;
            let path = format!(
                "channels/{}/messages?after={after}&limit={PAGE}",
                segment(&room)
            );
            let mut tries = 0;
            let page = loop {
                let page = shared.call(Method::GET, &path, None).await;
                tries += 1;
                match page {
                    Err(error) if tries < TRIES_MAX && error.passes() => {
                        tokio::time::sleep(PAGE_PAUSE).await;
                    }
                    page => break page,
                }
            };
            (room, page)
        })
    }

    fn renewal_time(&self, now: Instant) -> Option<Instant> {
        let left = self.shared.tokens.until_due(self.token.as_ref()?)?;
        // Where clocks differ much a token may be due at once.
        Some(now + left.max(RENEWAL_PAUSE))
    }

    fn is_used(&self, token: &Token) -> bool {
        let text = |token: &Token| std::sync::Arc::clone(&token.text);
        self.token.as_ref().map(text) == Some(text(token))
    }

    fn renewed(&mut self, token: Result<Option<Token>>, socket: &mut Socket, going: &mut Going) {
        going.renewal = None;
        let now = Instant::now();
        match token {
            Ok(Some(token)) if self.is_used(&token) => going.renew_at = Some(now + TRY_AGAIN_AFTER),
            Ok(Some(token)) => {
                socket.queue_text(&self.engine.renewal(&token.text));
                self.token = Some(token);
                going.renew_at = self.renewal_time(now);
            }
            Ok(None) => going.renew_at = None,
            Err(_) => going.renew_at = Some(now + TRY_AGAIN_AFTER),
        }
    }

    /// A deadline was reached; the error that ends the connection, if it does.
    fn time_passed(&mut self, socket: &mut Socket, going: &mut Going) -> Option<Error> {
        let now = Instant::now();
        if going.renew_at.is_some_and(|at| at <= now) {
            going.renew_at = None;
            let (shared, old) = (std::sync::Arc::clone(&self.shared), self.token.clone());
            going.renewal = Some(Box::pin(
                async move { shared.tokens.after(old.as_ref()).await },
            ));
        }
        let silent = Some(Error::Silent(ANSWER_TIME.as_secs()));
        if going
            .waiting_since
            .is_some_and(|since| since + ANSWER_TIME <= now)
        {
            return silent;
        }
        if going.silent_at() > now {
            return None;
        }
        if going.pinged {
            return silent;
        }
        going.pinged = true;
        socket.queue_ping();
        None
    }
}

const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Longer than a server waits between its pings, which are not counted here.
const SILENCE: Duration = Duration::from_secs(30);
/// A connection that lasted so long begins the waiting anew.
const STEADY: Duration = Duration::from_secs(5);
const RENEWAL_PAUSE: Duration = Duration::from_millis(500);
/// After there was no other token.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
const PAGE: u32 = 100;
const PAGE_PAUSE: Duration = Duration::from_secs(1);
const TRIES_MAX: u32 = 5;
