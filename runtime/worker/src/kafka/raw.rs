//! The one unsafe module: batch calls of librdkafka that the safe API does not offer.
//!
//! Fetching a batch from one queue and producing a batch cost one lock each instead of one per record. Every block says
//! why it is sound.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;
use std::sync::Arc;

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::producer::{PARTITION_UA, Producer, ProducerContext, ThreadedProducer};
use rdkafka::util::IntoOpaque;

use millstream_api::{Error, Header, Result};

/// A queue of its own to which assigned partitions are forwarded, so that records are taken by the batch and only when there is
/// room, while the consumer's main queue still serves rebalances and keeps the group membership alive.
pub struct FetchQueue<C: ConsumerContext> {
    queue: *mut sys::rd_kafka_queue_t,
    messages: Vec<*mut sys::rd_kafka_message_t>,
    consumer: Arc<BaseConsumer<C>>,
}

// SAFETY: librdkafka queues may be used from any thread; the message pointers are only touched within `consume`.
unsafe impl<C: ConsumerContext> Send for FetchQueue<C> {}

/// Handle to forward partitions to a [`FetchQueue`] from the rebalance callback.
pub struct ForwardTarget(*mut sys::rd_kafka_queue_t);

// SAFETY: the pointer is only handed to `rd_kafka_queue_forward`, which locks.
unsafe impl Send for ForwardTarget {}
// SAFETY: as above.
unsafe impl Sync for ForwardTarget {}

impl ForwardTarget {
    /// Forwards the records of a partition to the queue. Called before the partition is assigned: librdkafka keeps a forward
    /// set by the application when it starts to fetch (`RD_KAFKA_Q_F_FWD_APP`).
    pub fn forward<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>, topic: &str, partition: i32) {
        let Ok(name) = CString::new(topic) else { return };
        // SAFETY: the client outlives the call, the name is a C string, the target queue lives as long as the FetchQueue that
        // the fetch thread owns, and that thread is the one that runs this callback. The partition queue's reference is released.
        unsafe {
            let queue = sys::rd_kafka_queue_get_partition(consumer.client().native_ptr(), name.as_ptr(), partition);
            if !queue.is_null() {
                sys::rd_kafka_queue_forward(queue, self.0);
                sys::rd_kafka_queue_destroy(queue);
            }
        }
    }
}

/// One record as it lies in librdkafka's fetch buffer.
pub struct RawRecord<'a> {
    message: &'a sys::rd_kafka_message_t,
}

impl RawRecord<'_> {
    /// Identity of the topic: equal for equal topics within one `consume`, cheaper to compare than the name.
    pub fn topic_identity(&self) -> usize {
        self.message.rkt as usize
    }

    /// Topic name.
    pub fn topic(&self) -> &str {
        // SAFETY: a fetched message holds a reference to its topic, whose name is a C string that lives as long.
        let name = unsafe { std::ffi::CStr::from_ptr(sys::rd_kafka_topic_name(self.message.rkt)) };
        name.to_str().unwrap_or_default()
    }

    /// Partition.
    pub fn partition(&self) -> i32 {
        self.message.partition
    }

    /// Offset.
    pub fn offset(&self) -> i64 {
        self.message.offset
    }

    /// Key bytes.
    pub fn key(&self) -> Option<&[u8]> {
        slice(self.message.key, self.message.key_len)
    }

    /// Value bytes.
    pub fn value(&self) -> Option<&[u8]> {
        slice(self.message.payload, self.message.len)
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
                all.push(Header { key: key.into(), value });
            }
        }
        all
    }

    /// The error this entry carries instead of a record, if it does.
    pub fn error(&self) -> Option<rdkafka::types::RDKafkaErrorCode> {
        (self.message.err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| self.message.err.into())
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
        // SAFETY: the client is alive: the queue is destroyed before the Arc that keeps it.
        let queue = unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) };
        Self { queue, messages: vec![ptr::null_mut(); batch.max(1)], consumer }
    }

    /// What the rebalance callback forwards partitions to. Must not be used after this queue is dropped.
    pub fn target(&self) -> ForwardTarget {
        ForwardTarget(self.queue)
    }

    /// The consumer.
    pub fn consumer(&self) -> &Arc<BaseConsumer<C>> {
        &self.consumer
    }

    /// Waits up to `timeout` for a record, then hands over what there is, in order, up to the batch size. Records are freed
    /// when the call returns. Returns how many there were.
    pub fn consume(&mut self, timeout: std::time::Duration, mut take: impl FnMut(&RawRecord<'_>)) -> usize {
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: `messages` has room for the given counts; librdkafka fills in that many valid pointers and returns how
        // many. The first call waits for one record only, for a batch call waits for a full batch.
        let count = unsafe {
            let first = sys::rd_kafka_consume_batch_queue(self.queue, timeout, self.messages.as_mut_ptr(), 1);
            if first <= 0 || self.messages.len() == 1 {
                first
            } else {
                let rest = self.messages.len() - 1;
                let more = sys::rd_kafka_consume_batch_queue(self.queue, 0, self.messages.as_mut_ptr().add(1), rest);
                first + more.max(0)
            }
        };
        let count = usize::try_from(count).unwrap_or(0);
        for &message in &self.messages[..count] {
            // SAFETY: each pointer is a live message that nobody else holds; it is destroyed exactly once, after use.
            unsafe {
                take(&RawRecord { message: &*message });
                sys::rd_kafka_message_destroy(message);
            }
        }
        count
    }
}

impl<C: ConsumerContext> Drop for FetchQueue<C> {
    fn drop(&mut self) {
        // SAFETY: created in `new`, destroyed once; the consumer is still alive.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) }
    }
}

/// A topic of a producer, to produce batches to.
pub struct TopicHandle {
    topic: *mut sys::rd_kafka_topic_t,
}

// SAFETY: topic handles may be used from any thread.
unsafe impl Send for TopicHandle {}

/// One record of a batch to produce.
pub struct OutRecord<'a> {
    /// Key bytes.
    pub key: Option<&'a [u8]>,
    /// Value bytes.
    pub value: Option<&'a [u8]>,
    /// Partition; `None` leaves it to the partitioner.
    pub partition: Option<i32>,
}

/// Why a record was not taken over by the producer.
pub struct Refused {
    /// Index among the given records.
    pub index: usize,
    /// librdkafka's reason.
    pub code: rdkafka::types::RDKafkaErrorCode,
}

impl TopicHandle {
    /// The topic of this name. The handle must be dropped before the producer.
    pub fn new<C: ProducerContext>(producer: &ThreadedProducer<C>, name: &str) -> Result<Self> {
        let c_name = CString::new(name).map_err(|_| Error::config(format!("topic name {name:?} holds a NUL")))?;
        // SAFETY: the client is alive, the name is a C string, a null config means the client's default topic settings.
        let topic =
            unsafe { sys::rd_kafka_topic_new(producer.client().native_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        if topic.is_null() {
            return Err(Error::config(format!("topic name {name:?} is not valid"))
                .hint("topic names hold up to 249 of the characters a-z A-Z 0-9 . _ -"));
        }
        Ok(Self { topic })
    }

    /// Hands records to the producer, each with a share of `opaque` for the delivery callback. Bytes are copied.
    ///
    /// Records that were not taken come back as [`Refused`], ascending. When the queue is full that is a suffix of the
    /// batch: librdkafka refuses all records after the first one that finds no room, so order is kept.
    pub fn produce<'a, T: Send + Sync>(
        &self,
        records: impl ExactSizeIterator<Item = OutRecord<'a>>,
        opaque: &Arc<T>,
    ) -> Vec<Refused> {
        let mut messages: Vec<sys::rd_kafka_message_t> = records
            .map(|record| sys::rd_kafka_message_t {
                err: sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
                rkt: ptr::null_mut(),
                partition: record.partition.unwrap_or(PARTITION_UA),
                payload: record.value.map_or(ptr::null_mut(), |v| v.as_ptr().cast_mut().cast()),
                len: record.value.map_or(0, <[u8]>::len),
                key: record.key.map_or(ptr::null_mut(), |k| k.as_ptr().cast_mut().cast()),
                key_len: record.key.map_or(0, <[u8]>::len),
                offset: 0,
                _private: opaque.clone().into_ptr(),
            })
            .collect();
        let flags = sys::RD_KAFKA_MSG_F_COPY | sys::RD_KAFKA_MSG_F_PARTITION;
        let count = i32::try_from(messages.len()).unwrap_or(i32::MAX);
        // SAFETY: the array and all bytes it points to are alive during the call, which copies them. `_private` is an Arc turned
        // into a pointer: the delivery callback takes it back for each record taken over, the loop below for the others.
        unsafe {
            sys::rd_kafka_produce_batch(self.topic, PARTITION_UA, flags, messages.as_mut_ptr(), count);
        }
        let mut refused = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            if message.err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                // SAFETY: librdkafka did not take this record, so its share of the opaque is still ours.
                drop(unsafe { <Arc<T> as IntoOpaque>::from_ptr(message._private) });
                refused.push(Refused { index, code: message.err.into() });
            }
        }
        refused
    }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: created in `new`, released once.
        unsafe { sys::rd_kafka_topic_destroy(self.topic) }
    }
}
