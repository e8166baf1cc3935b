//! What one connection says and hears, without a socket, a clock or a task.

use serde_json::Value;

use crate::error::Error;

/// The state of one surface: what is asked for, what waits to be sent, what waits for an answer.
/// [`crate::link`] runs it over one connection after the other.
pub(crate) trait Engine: Send + 'static {
    /// What the owner of a client asks of it.
    type Order: Send + 'static;

    /// Takes an order. It is kept until it is done, whatever happens to connections.
    fn order(&mut self, order: Self::Order);

    /// A connection is there; everything that was subscribed is to be asked for anew.
    fn opened(&mut self);

    /// The connection is gone: what was not answered is sent again, or cannot be.
    fn lost(&mut self, error: &Error);

    /// There will be no other connection: everybody who waits is told why.
    fn stopped(&mut self, error: &Error);

    /// A text message of the server.
    fn heard(&mut self, text: &str) -> Heard;

    /// The answer to [`Heard::Read`].
    fn read(&mut self, room: &str, page: Result<Value, Error>) -> Heard;

    /// The next frame to send, if there is one now.
    fn next(&mut self) -> Option<String>;

    /// Whether an answer is waited for.
    fn awaits_answer(&self) -> bool;

    /// Whether there is a use for a connection.
    fn is_wanted(&self) -> bool;

    /// The frame that gives the server another token.
    fn renewal(&self, token: &str) -> String;
}

/// What a message means for the connection.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Nothing more.
    Fine,
    /// Messages of a room are to be read from the store.
    Read(Reading),
    /// The connection is of no use.
    Refused(Error),
    /// The renewal was refused.
    Unrenewed,
    /// It was too much: send nothing for a while.
    Slow,
}

/// A page of a room's messages: those after a sequence number.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) room: Box<str>,
    pub(crate) after: u64,
}
