//! Fetching by the batch, which the safe API does not offer; with `raw_produce`, `raw_events` and `group_offsets` all there is of unsafe code.
//!
//! A batch from one queue costs one lock instead of one per record. Every block says why it is sound.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::marker::PhantomData;
use std::ptr;
use std::sync::{Arc, Weak};

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};

use millstream_api::Header;

/// A queue of its own to which assigned partitions are forwarded, so that records are taken by the batch and only when there is
/// room, while the consumer's main queue still serves rebalances and keeps the group membership alive.
pub struct FetchQueue<C: ConsumerContext> {
    // Before `consumer`: a queue is released before its client.
    queue: Arc<Queue>,
    /// Room for the records of a call; grows while calls fill it, up to `batch`: most consumers of a large worker are idle.
    messages: Vec<*mut sys::rd_kafka_message_t>,
    batch: usize,
    consumer: Arc<BaseConsumer<C>>,
}

/// Records there is room for at first.
const FEW: usize = 64;

// SAFETY: librdkafka queues may be used from any thread; the message pointers are only touched within `consume`.
unsafe impl<C: ConsumerContext> Send for FetchQueue<C> {}

struct Queue(*mut sys::rd_kafka_queue_t);

// SAFETY: librdkafka's queues lock; the handle itself never changes.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: created by `FetchQueue::new`, destroyed once. The client is alive: the FetchQueue keeps it, and whoever else holds
        // the queue for the length of `ForwardTarget::forward` has borrowed the consumer.
        unsafe { sys::rd_kafka_queue_destroy(self.0) }
    }
}

/// Handle to forward partitions to a [`FetchQueue`] from the rebalance callback. Does nothing once the queue is gone: what a
/// consumer is assigned while it closes is never read.
pub struct ForwardTarget(Weak<Queue>);

impl ForwardTarget {
    /// Forwards the records of a partition to the queue. Called before the partition is assigned: librdkafka keeps a forward
    /// set by the application when it starts to fetch (`RD_KAFKA_Q_F_FWD_APP`).
    pub fn forward<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>, topic: &str, partition: i32) {
        let (Ok(name), Some(target)) = (CString::new(topic), self.0.upgrade()) else { return };
        // SAFETY: client and target queue are alive during the call, the name is a C string. librdkafka counts the forward as a
        // reference to the target. The partition queue's own reference is released.
        unsafe {
            let queue = sys::rd_kafka_queue_get_partition(consumer.client().native_ptr(), name.as_ptr(), partition);
            if !queue.is_null() {
                sys::rd_kafka_queue_forward(queue, target.0);
                sys::rd_kafka_queue_destroy(queue);
            }
        }
    }
}

/// One record as it lies in librdkafka's fetch buffer.
pub struct RawRecord<'a> {
    // A pointer, not a reference: librdkafka finds its own fields around the message.
    message: *const sys::rd_kafka_message_t,
    alive: PhantomData<&'a sys::rd_kafka_message_t>,
}

impl RawRecord<'_> {
    fn message(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: `consume` makes a RawRecord of a live message and destroys it after the RawRecord's last use.
        unsafe { &*self.message }
    }

    /// Identity of the topic: equal for equal topics within one `consume`, cheaper to compare than the name.
    pub fn topic_identity(&self) -> usize {
        self.message().rkt as usize
    }

    /// Topic name.
    pub fn topic(&self) -> &str {
        if self.message().rkt.is_null() {
            // An error that is about no topic.
            return "";
        }
        // SAFETY: a fetched message holds a reference to its topic, whose name is a C string that lives as long.
        let name = unsafe { std::ffi::CStr::from_ptr(sys::rd_kafka_topic_name(self.message().rkt)) };
        name.to_str().unwrap_or_default()
    }

    /// Partition.
    pub fn partition(&self) -> i32 {
        self.message().partition
    }

    /// Offset.
    pub fn offset(&self) -> i64 {
        self.message().offset
    }

    /// Key bytes.
    pub fn key(&self) -> Option<&[u8]> {
        slice(self.message().key, self.message().key_len)
    }

    /// Value bytes.
    pub fn value(&self) -> Option<&[u8]> {
        slice(self.message().payload, self.message().len)
    }

    /// Timestamp in epoch milliseconds, if the record has one.
    pub fn timestamp(&self) -> Option<i64> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive, `kind` is ours.
        let millis = unsafe { sys::rd_kafka_message_timestamp(self.message, &mut kind) };
        (kind != sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && millis >= 0).then_some(millis)
    }

    /// Headers, in order.
    pub fn headers(&self) -> Vec<Header> {
        let mut headers = ptr::null_mut();
        let mut all = Vec::new();
        // SAFETY: the message is alive; librdkafka parses its headers on demand and keeps them in the message.
        unsafe {
            if sys::rd_kafka_message_headers(self.message, &mut headers)
                != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                return all;
            }
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            while sys::rd_kafka_header_get_all(headers, all.len(), &mut name, &mut value, &mut size)
                == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                let key = String::from_utf8_lossy(std::ffi::CStr::from_ptr(name).to_bytes()).into_owned();
                let value = slice(value.cast_mut(), size).map(bytes::Bytes::copy_from_slice);
                all.push(Header::raw(key, value));
            }
        }
        all
    }

    /// The error this entry carries instead of a record, if it does.
    pub fn error(&self) -> Option<rdkafka::types::RDKafkaErrorCode> {
        (self.message().err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| self.message().err.into())
    }
}

fn slice<'a>(pointer: *mut std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: librdkafka's pointer and length describe the bytes of a message that the caller's borrow keeps alive.
    Some(unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), len) })
}

impl<C: ConsumerContext> FetchQueue<C> {
    /// A new queue of this consumer; at most `batch` records are taken at once.
    pub fn new(consumer: Arc<BaseConsumer<C>>, batch: usize) -> Self {
        // SAFETY: the client is alive; the queue is released before the Arc that keeps it.
        let queue = Arc::new(Queue(unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) }));
        let batch = batch.max(1);
        Self { queue, messages: vec![ptr::null_mut(); batch.min(FEW)], batch, consumer }
    }

    /// What the rebalance callback forwards partitions to.
    pub fn target(&self) -> ForwardTarget {
        ForwardTarget(Arc::downgrade(&self.queue))
    }

    /// The consumer.
    pub fn consumer(&self) -> &Arc<BaseConsumer<C>> {
        &self.consumer
    }

    /// The first offset of a partition and the one after its last, as far as the last fetches told them. Asks nobody.
    pub fn known_ends(&self, topic: &str, partition: i32) -> (Option<i64>, Option<i64>) {
        let Ok(name) = CString::new(topic) else { return (None, None) };
        let (mut low, mut high) = (-1, -1);
        let client = self.consumer.client().native_ptr();
        // SAFETY: the client is alive, the name is a C string, and both numbers are ours. Those not known are set to a negative one.
        unsafe { sys::rd_kafka_get_watermark_offsets(client, name.as_ptr(), partition, &mut low, &mut high) };
        let known = |offset| Some(offset).filter(|&offset| offset >= 0);
        (known(low), known(high))
    }

    /// Waits up to `timeout` for a record, then hands over what there is, in order, up to the batch size and to `most` (at least
    /// one). Records are freed when the call returns. Returns how many there were.
    pub fn consume(
        &mut self,
        timeout: std::time::Duration,
        most: usize,
        mut take: impl FnMut(&RawRecord<'_>),
    ) -> usize {
        let most = most.clamp(1, self.messages.len());
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: `messages` has room for the given counts; librdkafka fills in that many valid pointers and returns how
        // many. The first call waits for one record only, for a batch call waits for a full batch.
        let count = unsafe {
            let first = sys::rd_kafka_consume_batch_queue(self.queue.0, timeout, self.messages.as_mut_ptr(), 1);
            if first <= 0 || most == 1 {
                first
            } else {
                let rest = most - 1;
                let more = sys::rd_kafka_consume_batch_queue(self.queue.0, 0, self.messages.as_mut_ptr().add(1), rest);
                first + more.max(0)
            }
        };
        let count = usize::try_from(count).unwrap_or(0);
        for &message in &self.messages[..count] {
            // SAFETY: each pointer is a live message that nobody else holds; it is destroyed exactly once, after use.
            unsafe {
                take(&RawRecord { message, alive: PhantomData });
                sys::rd_kafka_message_destroy(message);
            }
        }
        if count == self.messages.len() && count < self.batch {
            self.messages.resize(self.batch.min(count * 4), ptr::null_mut());
        }
        count
    }
}
