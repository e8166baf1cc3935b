//! From a connection's bytes to events.

use std::task::{Context, Poll, ready};

use conclave_protocol::{Frame, Mode, Received, Start};
use conclave_websocket::{
    Decoded, DecoderLimits, Event, Inflater, Opcode, encode, encode_deflated,
};

use super::answer::Answer;
use super::connection::{Connection, Phase, Surface};
use super::gateway::write_own;
use super::{Scratch, with_deflater};
use crate::metrics::Counter;

impl Connection {
    /// Serves what has come: kept bytes first, then one read. Pending while there is nothing,
    /// or while the connection is not to be read.
    pub(super) fn poll_input(&self, context: &mut Context<'_>) -> Poll<()> {
        match self.phase.get() {
            Phase::Open => {}
            Phase::Closed | Phase::Lingering => return self.poll_discard(context),
            Phase::Answered | Phase::Answering(_) | Phase::Dead => return Poll::Pending,
        }
        // Who publishes faster than the slowest worker delivers, or asks without reading the
        // answers, is not read.
        ready!(self.worker.node.topics.directory().poll_clear(context));
        if self
            .outbox
            .borrow()
            .as_ref()
            .is_some_and(|outbox| outbox.bytes() > UNREAD_BYTES_MAX)
        {
            return Poll::Pending;
        }
        if self.stalled.replace(false) {
            self.serve_kept();
            return Poll::Ready(());
        }
        let mut scratch = self.worker.scratch.borrow_mut();
        let scratch = &mut *scratch;
        let read = {
            let mut stream = self.stream.borrow_mut();
            ready!(stream.poll_read(context, &mut scratch.cipher, &mut scratch.read))
        };
        match read {
            Ok(0) | Err(_) => self.die(),
            Ok(taken) => self.serve_read(scratch, taken),
        }
        Poll::Ready(())
    }

    /// After our Close nothing the peer says matters but that it ends.
    fn poll_discard(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut scratch = self.worker.scratch.borrow_mut();
        let scratch = &mut *scratch;
        let read = {
            let mut stream = self.stream.borrow_mut();
            ready!(stream.poll_read(context, &mut scratch.cipher, &mut scratch.read))
        };
        match read {
            Ok(0) | Err(_) => self.die(),
            Ok(_) => {}
        }
        Poll::Ready(())
    }

    fn serve_read(&self, scratch: &mut Scratch, taken: usize) {
        self.heard_at.set(self.worker.seconds());
        self.answered.set(true);
        let mut partial = self.partial.borrow_mut();
        if !partial.is_empty() {
            partial.extend_from_slice(scratch.read.get(..taken).unwrap_or_default());
            drop(partial);
            self.serve_partial(
                &mut scratch.out,
                &mut scratch.payload,
                &mut scratch.inflater,
            );
            return;
        }
        let Scratch {
            read,
            out,
            payload,
            inflater,
            ..
        } = scratch;
        let input = read.get_mut(..taken).unwrap_or_default();
        let consumed = self.serve(input, out, payload, inflater);
        if let Some(rest) = input.get(consumed..).filter(|rest| !rest.is_empty()) {
            partial.extend_from_slice(rest);
        }
    }

    fn serve_kept(&self) {
        let mut scratch = self.worker.scratch.borrow_mut();
        let Scratch {
            out,
            payload,
            inflater,
            ..
        } = &mut *scratch;
        self.serve_partial(out, payload, inflater);
    }

    fn serve_partial(&self, out: &mut Vec<u8>, payload: &mut Vec<u8>, inflater: &mut Inflater) {
        let mut partial = self.partial.take();
        let consumed = self.serve(&mut partial, out, payload, inflater);
        if consumed < partial.len() {
            partial.drain(..consumed);
            self.partial.replace(partial);
        }
    }

    /// Serves whole frames at the front of `input`, sends the answers together, and says how
    /// many bytes are done with.
    fn serve(
        &self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        payload: &mut Vec<u8>,
        inflater: &mut Inflater,
    ) -> usize {
        let limits = &self.worker.node.limits;
        let bounds = DecoderLimits {
            message_bytes: if limits.message_bytes == 0 {
                usize::MAX
            } else {
                limits.message_bytes
            },
            fragments: match limits.fragments_per_message {
                0 => u32::MAX,
                fragments => fragments,
            },
        };
        out.clear();
        let mut done = 0;
        while let Some(rest) = input.get_mut(done..).filter(|rest| !rest.is_empty()) {
            if self.phase.get() != Phase::Open {
                done = input.len();
                break;
            }
            if self.job.borrow().is_some()
                || self.is_waiting_to_greet()
                || self.worker.node.topics.directory().is_over()
            {
                self.stalled.set(true);
                break;
            }
            match self.decoder.borrow_mut().decode(rest, &bounds, inflater) {
                Ok(Decoded::Incomplete { .. }) => break,
                Ok(Decoded::Frame { consumed, event }) => {
                    done += consumed;
                    if let Some(event) = event {
                        self.handle(event, out, payload);
                    }
                }
                Err(violation) => {
                    self.send(out);
                    out.clear();
                    self.violated(violation.close_code(), violation.reason());
                }
            }
        }
        self.send(out);
        done
    }

    fn handle(&self, event: Event<'_>, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
        match event {
            Event::Text(text) => {
                self.count_received();
                self.message(Frame::Text(text), out, payload);
            }
            Event::Binary(bytes) => {
                self.count_received();
                self.message(Frame::Binary(bytes), out, payload);
            }
            Event::Ping(body) => {
                if self.within_rate() {
                    encode(Opcode::Pong, body, out);
                } else {
                    self.strike(out);
                }
            }
            // The answer to our ping is free; RFC 6455 allows others, so they count as messages.
            Event::Pong(_) => {
                if !self.pinged.replace(false) && !self.within_rate() {
                    self.strike(out);
                }
            }
            Event::Close(code, _) => {
                self.phase
                    .set(Phase::Answering(code.map_or(0, |code| code.number())));
                if self.start_kind != Start::Topics {
                    // Commands about rooms are over once they are answered, and what they
                    // caused is under way by then.
                    self.in_flight.set(self.worker.under_way_from(self.id));
                }
                self.close_by
                    .set(self.worker.seconds().saturating_add(ANSWER_SECONDS));
                self.worker.schedule(self);
            }
        }
    }

    fn count_received(&self) {
        self.worker.counters.add(Counter::MessagesReceived, 1);
        self.received.set(self.received.get().saturating_add(1));
    }

    fn message(&self, frame: Frame<'_>, out: &mut Vec<u8>, payload: &mut Vec<u8>) {
        let dialect = match self.surface {
            Surface::Dialect(dialect) => dialect,
            Surface::Echo => {
                self.echo(frame, out);
                return;
            }
        };
        if let (Start::Rooms, Frame::Text(text)) = (self.start_kind, frame) {
            return self.call(text, &mut Answer { out, payload });
        }
        // Where frames have names of the client's own, only the decoded one says which to refuse.
        let acked = self.start_kind != Start::Topics;
        let within = self.within_rate();
        if !within && !acked {
            self.refuse_rate(out, payload);
            return;
        }
        let before = self.mode();
        let received = dialect.decode(&mut self.state.borrow_mut(), frame);
        if before == Mode::Listener && self.mode() == Mode::Subscriber {
            self.memberships.borrow_mut().clear();
        }
        if before == Mode::Undecided && self.mode() != Mode::Undecided {
            self.worker.schedule(self);
        }
        match received {
            Received::Command(command) if !within => {
                self.refuse_command_rate(dialect.word(&command), command, out, payload);
            }
            Received::Answered(frames) => {
                write_own(&frames, out);
                if !within {
                    self.strike(out);
                }
            }
            Received::Command(command) => self.command(command, out, payload),
            Received::Refused(reply) => self.refuse_reply(&reply, out, payload),
            Received::Violation(meaning) => {
                self.send(out);
                out.clear();
                self.close(meaning);
            }
        }
    }

    fn echo(&self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let (opcode, bytes) = match frame {
            Frame::Text(text) => (Opcode::Text, text.as_bytes()),
            Frame::Binary(bytes) => (Opcode::Binary, bytes),
        };
        match self.deflate {
            Some(bits) if bytes.len() <= 1 << bits => {
                with_deflater(|deflater| encode_deflated(opcode, bytes, deflater, out));
            }
            Some(_) | None => encode(opcode, bytes, out),
        }
    }

    /// Takes one message from the connection's rate.
    pub(super) fn within_rate(&self) -> bool {
        let limits = &self.worker.node.limits;
        limits.messages_per_second == 0
            || self.bucket.take(
                limits.messages_per_second,
                limits.messages_burst,
                self.worker.millis(),
            )
    }
}

/// What may be unread before the connection is not read any more.
const UNREAD_BYTES_MAX: usize = 64 * 1024;
/// How long a peer's Close may wait for what its frames caused.
const ANSWER_SECONDS: u32 = 5;
