//! A producer whose acknowledgements are taken by a thread of its own that sleeps while there are none to wait for.
//!
//! rdkafka's `ThreadedProducer` wakes up ten times a second and spins the last millisecond of each wait: with hundreds of idle
//! tasks that is most of what a worker does.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millstream_api::{Error, Result};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

/// How long an idle producer sleeps: statistics, errors and tokens wait as long.
const NAP: Duration = Duration::from_secs(1);
/// How long to wait for an acknowledgement before looking whether the end has come.
const WAIT: Duration = Duration::from_millis(100);
/// What may have come while nothing was in flight: a few events.
const EVENTS: usize = 8;
/// Without an acknowledgement for so long, records are asked after.
const STUCK: Duration = Duration::from_secs(5);
/// How often they are.
const STUCK_AGAIN: Duration = Duration::from_secs(30);

/// The producer; clones share it. The last one to go ends the thread and gives up what is not acknowledged.
pub struct PolledProducer<C: ProducerContext + 'static>(Arc<Inner<C>>);

struct Inner<C: ProducerContext + 'static> {
    producer: Arc<BaseProducer<C>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<C: ProducerContext + 'static> PolledProducer<C> {
    /// Takes over a producer and starts its thread, on which `stuck` is asked when nothing is acknowledged for seconds.
    pub fn new(producer: BaseProducer<C>, stuck: impl Fn(&BaseProducer<C>) + Send + 'static) -> Result<Self> {
        let (producer, ended) = (Arc::new(producer), Arc::new(AtomicBool::new(false)));
        let (polled, over) = (producer.clone(), ended.clone());
        let thread = std::thread::Builder::new()
            .name("acknowledgements".to_owned())
            .spawn(move || poll(&polled, &over, stuck))
            .map_err(|error| Error::internal("cannot start a thread for a producer").caused_by(error))?;
        Ok(Self(Arc::new(Inner { producer, ended, thread: Some(thread) })))
    }

    /// To be called after records were handed over: their acknowledgements are waited for from now on.
    pub fn sent(&self) {
        if let Some(thread) = &self.0.thread {
            thread.thread().unpark();
        }
    }
}

fn poll<C: ProducerContext>(producer: &BaseProducer<C>, ended: &AtomicBool, stuck: impl Fn(&BaseProducer<C>)) {
    let (mut before, mut ask_at) = (0, Instant::now() + STUCK);
    while !ended.load(Ordering::Acquire) {
        let in_flight = producer.in_flight_count();
        if in_flight > 0 {
            if in_flight != before {
                (before, ask_at) = (in_flight, Instant::now() + STUCK);
            } else if ask_at <= Instant::now() {
                stuck(producer);
                ask_at = Instant::now() + STUCK_AGAIN;
            }
            producer.poll(WAIT);
            continue;
        }
        before = 0;
        std::thread::park_timeout(NAP);
        for _ in 0..EVENTS {
            producer.poll(Duration::ZERO);
        }
    }
}

impl<C: ProducerContext + 'static> Clone for PolledProducer<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: ProducerContext + 'static> Deref for PolledProducer<C> {
    type Target = BaseProducer<C>;

    fn deref(&self) -> &BaseProducer<C> {
        &self.0.producer
    }
}

impl<C: ProducerContext + 'static> Drop for Inner<C> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.thread().id() == std::thread::current().id() {
                // Dropped by one of its own callbacks: it ends when that returns.
                return;
            }
            // Its end is all that is waited for; a panic in a callback was told where it happened.
            let _ = thread.join();
        }
    }
}
