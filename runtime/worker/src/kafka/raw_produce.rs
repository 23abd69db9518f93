//! Producing by the batch, and single records without a copy of what describes them: calls of librdkafka that the safe API does not
//! offer.
//!
//! A batch costs one lock instead of one per record. Every block says why it is sound.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;

use millstream_api::{Error, Header, Result};
use rdkafka::bindings as sys;
use rdkafka::producer::{PARTITION_UA, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::util::IntoOpaque;

use super::polled::PolledProducer;

/// A topic of a producer whose records have numbers: the delivery callback is given that of the record.
pub struct TopicHandle<C: ProducerContext<DeliveryOpaque = usize> + 'static> {
    topic: *mut sys::rd_kafka_topic_t,
    /// Outlives the topic.
    producer: PolledProducer<C>,
}

// SAFETY: topic handles may be used from any thread.
unsafe impl<C: ProducerContext<DeliveryOpaque = usize> + 'static> Send for TopicHandle<C> {}

/// One record to produce.
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
    pub code: RDKafkaErrorCode,
}

impl<C: ProducerContext<DeliveryOpaque = usize> + 'static> TopicHandle<C> {
    /// The topic of this name.
    pub fn new(producer: &PolledProducer<C>, name: &str) -> Result<Self> {
        let c_name = CString::new(name).map_err(|_| Error::config(format!("topic name {name:?} holds a NUL")))?;
        // SAFETY: the client is alive, the name is a C string, a null config means the client's default topic settings.
        let topic =
            unsafe { sys::rd_kafka_topic_new(producer.client().native_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        if topic.is_null() {
            return Err(Error::config(format!("topic name {name:?} is not valid"))
                .hint("topic names hold up to 249 of the characters a-z A-Z 0-9 . _ -"));
        }
        Ok(Self { topic, producer: producer.clone() })
    }

    /// Hands records to the producer; the first has number `first`, the others follow. Bytes are copied.
    ///
    /// Records that were not taken come back as [`Refused`], ascending. When the queue is full that is a suffix of the
    /// batch: librdkafka refuses all records after the first one that finds no room, so order is kept. A producer with a fatal error
    /// refuses all.
    pub fn produce<'a>(&self, records: impl ExactSizeIterator<Item = OutRecord<'a>>, first: usize) -> Vec<Refused> {
        let mut messages: Vec<sys::rd_kafka_message_t> = records
            .zip(first..)
            .map(|(record, number)| sys::rd_kafka_message_t {
                err: sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
                rkt: ptr::null_mut(),
                partition: record.partition.unwrap_or(PARTITION_UA),
                payload: record.value.map_or(ptr::null_mut(), |v| v.as_ptr().cast_mut().cast()),
                len: record.value.map_or(0, <[u8]>::len),
                key: record.key.map_or(ptr::null_mut(), |k| k.as_ptr().cast_mut().cast()),
                key_len: record.key.map_or(0, <[u8]>::len),
                offset: 0,
                _private: number.into_ptr(),
            })
            .collect();
        let flags = sys::RD_KAFKA_MSG_F_COPY | sys::RD_KAFKA_MSG_F_PARTITION;
        let count = i32::try_from(messages.len()).unwrap_or(i32::MAX);
        // SAFETY: the array and all bytes it points to are alive during the call, which copies them. `_private` is a number, which
        // the delivery callback takes back; it owns nothing.
        unsafe {
            sys::rd_kafka_produce_batch(self.topic, PARTITION_UA, flags, messages.as_mut_ptr(), count);
        }
        self.producer.sent();
        let refused = messages.iter().enumerate().filter(|(_, message)| message.err != NO_ERROR);
        refused.map(|(index, message)| Refused { index, code: message.err.into() }).collect()
    }

    /// Hands over one record with a timestamp or headers, which the call for batches cannot carry. Its bytes are copied; of its own it
    /// allocates librdkafka's list of headers alone: about 0.1 us more than in a batch, and as much again for two headers. To be followed
    /// by [`PolledProducer::sent`], once for many records.
    pub fn produce_one(
        &self,
        record: &OutRecord<'_>,
        timestamp: Option<i64>,
        headers: &[Header],
        number: usize,
    ) -> Result<(), RDKafkaErrorCode> {
        use sys::rd_kafka_vtype_t as of;
        use sys::rd_kafka_vu_s__bindgen_ty_1 as value;
        let bytes = |bytes: Option<&[u8]>| value {
            mem: sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
                ptr: bytes.map_or(ptr::null_mut(), |b| b.as_ptr().cast_mut().cast()),
                size: bytes.map_or(0, <[u8]>::len),
            },
        };
        let list = header_list(headers);
        let field = |vtype, u| sys::rd_kafka_vu_t { vtype, u };
        let fields = [
            field(of::RD_KAFKA_VTYPE_RKT, value { rkt: self.topic }),
            field(of::RD_KAFKA_VTYPE_PARTITION, value { i32_: record.partition.unwrap_or(PARTITION_UA) }),
            field(of::RD_KAFKA_VTYPE_MSGFLAGS, value { i: sys::RD_KAFKA_MSG_F_COPY }),
            field(of::RD_KAFKA_VTYPE_VALUE, bytes(record.value)),
            field(of::RD_KAFKA_VTYPE_KEY, bytes(record.key)),
            field(of::RD_KAFKA_VTYPE_OPAQUE, value { ptr: number.into_ptr() }),
            // Zero is the present time.
            field(of::RD_KAFKA_VTYPE_TIMESTAMP, value { i64_: timestamp.unwrap_or(0) }),
            field(of::RD_KAFKA_VTYPE_HEADERS, value { headers: list }),
        ];
        // SAFETY: client, topic and all bytes pointed to are alive during the call, which copies them; each field's type says which
        // member of its union is set. A list of headers is the message's when there is no error, and still ours when there is one.
        unsafe {
            let error = sys::rd_kafka_produceva(self.producer.client().native_ptr(), fields.as_ptr(), fields.len());
            if error.is_null() {
                return Ok(());
            }
            let code = sys::rd_kafka_error_code(error);
            let fatal = sys::rd_kafka_error_is_fatal(error) != 0;
            sys::rd_kafka_error_destroy(error);
            if !list.is_null() {
                sys::rd_kafka_headers_destroy(list);
            }
            Err(if fatal { RDKafkaErrorCode::Fatal } else { code.into() })
        }
    }
}

const NO_ERROR: sys::rd_kafka_resp_err_t = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// librdkafka's list of these headers, to be given away or destroyed; null when there is none.
fn header_list(headers: &[Header]) -> *mut sys::rd_kafka_headers_t {
    if headers.is_empty() {
        return ptr::null_mut();
    }
    // SAFETY: the list is new and ours; names and values are alive during each call, which copies them with the lengths given.
    unsafe {
        let list = sys::rd_kafka_headers_new(headers.len());
        for header in headers {
            let (name, value) = (header.key.as_bytes(), header.bytes());
            let length = |length: usize| isize::try_from(length).unwrap_or(isize::MAX);
            let (data, size) = value.map_or((ptr::null(), 0), |v| (v.as_ptr(), length(v.len())));
            // Fails for a list that may not be changed only, which a new one is not.
            sys::rd_kafka_header_add(list, name.as_ptr().cast(), length(name.len()), data.cast(), size);
        }
        list
    }
}

impl<C: ProducerContext<DeliveryOpaque = usize> + 'static> Drop for TopicHandle<C> {
    fn drop(&mut self) {
        // SAFETY: created in `new`, released once, before the producer that this keeps.
        unsafe { sys::rd_kafka_topic_destroy(self.topic) }
    }
}
