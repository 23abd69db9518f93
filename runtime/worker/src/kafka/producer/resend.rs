//! What happens when a topic does not take a request because of its size: its records are sent again in smaller ones.
//!
//! Java's producer cuts such a batch; librdkafka gives up all its records and goes on with those behind them. So the producer is told
//! not to go on (`enable.gapless.guarantee`): its first error that would leave a gap is fatal, and what is queued comes back. All of it
//! is sent again, in order, by a producer whose requests are smaller.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use millstream_api::{Error, Result};
use rdkafka::Message;
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, OwnedMessage};
use rdkafka::producer::{BaseRecord, Producer, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;

use super::on_their_way::Outcome;
use super::split::{TooLarge, split};
use super::{Client, Shared, delivery_error, too_large};

/// How long to wait for answers, or for room in the queue.
const PAUSE: Duration = Duration::from_millis(5);

/// A record that came back.
pub struct Held {
    /// Its number.
    pub number: usize,
    /// Its request was refused because of its size; otherwise it waited behind such a request.
    pub too_large: bool,
    /// The record itself.
    pub record: OwnedMessage,
}

/// Sends again what came back, until there is nothing left. Runs on a thread of its own.
pub fn run(shared: &Arc<Shared>) {
    // Waits for a call that hands over records; the next one waits for the end of this.
    let mut client = shared.state.lock().client.take();
    let mut pending: Vec<Held> = Vec::new();
    loop {
        let fatal = client.as_ref().and_then(|client| {
            drained(shared, client);
            client.producer.client().fatal_error()
        });
        // Here, since its end waits for its threads.
        drop(client.take());
        let (limit, failed) = {
            let mut state = shared.state.lock();
            pending.append(&mut state.held);
            (state.limit, state.failed)
        };
        pending.sort_unstable_by_key(|held| held.number);
        let smaller = match failed || shared.given_up.load(Ordering::Acquire) {
            true => Err(Error::stopped("the task is stopping")),
            false => cut(shared, &mut pending, limit, fatal),
        };
        let sent = smaller.and_then(|limit| {
            if pending.is_empty() {
                return Ok(limit);
            }
            let made = client.insert(shared.connect(limit)?);
            send_all(shared, made, &mut pending)?;
            Ok(limit)
        });
        let mut state = shared.state.lock();
        match sent {
            Ok(limit) => state.limit = limit,
            Err(error) => {
                state.failed = true;
                pending.append(&mut state.held);
                give_up(shared, &mut pending, error);
            }
        }
        if state.failed || (pending.is_empty() && state.held.is_empty()) {
            // A failed one keeps its client for the answers that are still to come.
            state.client = client.take();
            state.resending = false;
            drop(state);
            shared.changed.notify_all();
            return;
        }
    }
}

/// Waits until the client has answered for all its records.
fn drained(shared: &Shared, client: &Client) {
    loop {
        // What is tried again after the fatal error goes back into the queue.
        let purge = PurgeConfig::default().queue();
        client.producer.purge(if shared.given_up.load(Ordering::Acquire) { purge.inflight() } else { purge });
        if client.producer.in_flight_count() == 0 {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Takes out the records that are too large by themselves, as the tolerance says. Returns how large requests may be for the others.
fn cut(
    shared: &Shared,
    pending: &mut Vec<Held>,
    limit: usize,
    fatal: Option<(RDKafkaErrorCode, String)>,
) -> Result<usize> {
    let refused: Vec<usize> = (0..).zip(&*pending).filter(|(_, held)| held.too_large).map(|(at, _)| at).collect();
    if refused.is_empty() && !pending.is_empty() {
        let reason = fatal.map_or_else(String::new, |(_, reason)| format!(": {reason}"));
        return Err(Error::fatal(format!("the producer has given up{reason}"))
            .hint("restart the task when the cause is gone: it goes on after the last acknowledged record"));
    }
    let refused_by = refused.first().and_then(|&at| pending.get(at)).map(|held| held.record.topic().to_owned());
    let records = refused.iter().filter_map(|&at| pending.get(at)).map(|held| TooLarge {
        partition: (held.record.topic().to_owned(), held.record.partition()),
        bytes: size(&held.record),
    });
    let split = split(&records.collect::<Vec<_>>(), limit);
    for held in pending.iter_mut() {
        held.too_large = false;
    }
    let mut gone = Vec::new();
    let mut outcome = Ok(split.limit);
    for held in split.alone.iter().filter_map(|&at| pending.get(*refused.get(at)?)) {
        gone.push(held.number);
        match (shared.tolerate)(too_large(held.record.topic(), RDKafkaErrorCode::MessageSizeTooLarge)) {
            Ok(()) => shared.way.answer(held.number, Outcome::Skipped),
            Err(error) => {
                shared.way.answer(held.number, Outcome::Failed(error));
                outcome = Err(Error::stopped("a record before this one was too large for its topic"));
                break;
            }
        }
    }
    pending.retain(|held| gone.binary_search(&held.number).is_err());
    if split.limit < limit && outcome.is_ok() {
        let (client, bytes) = (shared.client_id(), split.limit);
        let topic = refused_by.unwrap_or_default();
        tracing::warn!(
            client,
            topic,
            bytes,
            "requests are too large for the topic, records are sent in smaller ones of up to so many bytes"
        );
    }
    outcome
}

fn size(record: &OwnedMessage) -> usize {
    let headers = record
        .headers()
        .map_or(0, |headers| headers.iter().map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len)).sum());
    record.key().map_or(0, <[u8]>::len) + record.payload().map_or(0, <[u8]>::len) + headers
}

/// Hands over the records in order. Comes back early when the client has failed: what is left then is still in `pending`.
fn send_all(shared: &Shared, client: &Client, pending: &mut Vec<Held>) -> Result<()> {
    let mut sent = 0;
    let mut outcome = Ok(());
    'records: for held in &*pending {
        loop {
            if shared.given_up.load(Ordering::Acquire) {
                outcome = Err(Error::stopped("the task is stopping"));
                break 'records;
            }
            let record = &held.record;
            let mut out = BaseRecord::<[u8], [u8], usize>::with_opaque_to(record.topic(), held.number);
            (out.key, out.payload) = (record.key(), record.payload());
            out.partition = Some(record.partition()).filter(|partition| *partition >= 0);
            out.timestamp = shared.way.timestamp(held.number);
            out.headers = record.headers().cloned();
            match client.producer.send(out) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    client.producer.sent();
                    std::thread::sleep(PAUSE);
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::Fatal), _)) => break 'records,
                Err((error, _)) => {
                    outcome = Err(delivery_error(record.topic(), &error));
                    break 'records;
                }
            }
        }
        sent += 1;
    }
    client.producer.sent();
    pending.drain(..sent);
    outcome
}

/// Answers for records that will not be sent: the first with the reason.
fn give_up(shared: &Shared, pending: &mut Vec<Held>, reason: Error) {
    let mut reason = Some(reason);
    for held in pending.drain(..) {
        let why = reason.take().unwrap_or_else(|| Error::stopped("a record before this one was not sent"));
        shared.way.answer(held.number, Outcome::Failed(why));
    }
}

/// Gives up what came back: nothing is sent any more.
pub fn abandon(shared: &Shared, error: Error) {
    let mut state = shared.state.lock();
    state.failed = true;
    let mut pending = std::mem::take(&mut state.held);
    give_up(shared, &mut pending, error);
    state.resending = false;
    drop(state);
    shared.changed.notify_all();
}
