//! Ids that the server makes.

use conclave_auth::Random as _;
use conclave_protocol::Clock;

use crate::identity::SystemRandom;
use crate::node::{Dice, Node};

impl Node {
    /// 128 bits nobody can guess: who knows one may act in its name.
    pub(crate) fn secret_id(&self) -> u128 {
        let mut bytes = [0; 16];
        SystemRandom.fill(&mut bytes);
        u128::from_be_bytes(bytes)
    }

    /// A fresh version 7 UUID, for a room, a message or an invitation: those made later sort
    /// later, to the millisecond. It is a name; nothing about it is secret.
    pub(crate) fn fresh_id(&self) -> u128 {
        fresh(&*self.clock, &self.dice)
    }
}

/// The same, for whoever has a clock and dice of their own.
pub(crate) fn fresh(clock: &dyn Clock, dice: &Dice) -> u128 {
    let mut random = [0; 10];
    let [first, second] = [dice.roll(), dice.roll()].map(u64::to_be_bytes);
    for (place, byte) in random.iter_mut().zip(first.into_iter().chain(second)) {
        *place = byte;
    }
    uuid::Builder::from_unix_timestamp_millis(clock.now().millis(), &random)
        .into_uuid()
        .as_u128()
}
