//! Fetched records as columns of bytes, one run per partition.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{BinaryArray, BinaryBuilder, Int64Array, Int64Builder};
use millstream_api::{Header, Headers, TopicPartition};
use rdkafka::Message;

/// Consecutive records of one partition, as bytes.
pub struct RawRun {
    /// Where they come from.
    pub origin: TopicPartition,
    /// Their offsets, ascending.
    pub offsets: Int64Array,
    /// Their timestamps; null where there is none.
    pub timestamps: Int64Array,
    /// Keys.
    pub keys: BinaryArray,
    /// Values.
    pub values: BinaryArray,
    /// Headers.
    pub headers: Headers,
    /// The last [`SinkConsumer::seek`](super::consumer::SinkConsumer::seek) that was served before these records were fetched.
    pub seek: u64,
}

/// Bytes of a run after which another one begins: an array of Arrow's holds 2 GiB at most, and few large runs are as good as one.
const RUN_BYTES: usize = 16 * 1024 * 1024;

/// Collects records into runs of their partitions.
#[derive(Default)]
pub(super) struct Runs {
    builders: Vec<RunBuilder>,
    index: HashMap<(usize, i32), usize>,
    last: Option<(usize, i32, usize)>,
}

struct RunBuilder {
    origin: TopicPartition,
    offsets: Int64Builder,
    timestamps: Int64Builder,
    keys: BinaryBuilder,
    values: BinaryBuilder,
    headers: Vec<Vec<Header>>,
    any_header: bool,
}

impl Runs {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn push(
        &mut self,
        topic: usize,
        name: impl FnOnce() -> Arc<str>,
        partition: i32,
        offset: i64,
        timestamp: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl FnOnce() -> Vec<Header>,
    ) {
        let slot = match self.last {
            Some((t, p, slot)) if t == topic && p == partition => slot,
            _ => *self.index.entry((topic, partition)).or_insert_with(|| {
                self.builders.push(RunBuilder::new(TopicPartition::new(name(), partition)));
                self.builders.len() - 1
            }),
        };
        let slot = if self.builders[slot].bytes() < RUN_BYTES {
            slot
        } else {
            self.builders.push(RunBuilder::new(self.builders[slot].origin.clone()));
            self.index.insert((topic, partition), self.builders.len() - 1);
            self.builders.len() - 1
        };
        self.last = Some((topic, partition, slot));
        let run = &mut self.builders[slot];
        run.offsets.append_value(offset);
        run.timestamps.append_option(timestamp);
        run.keys.append_option(key);
        run.values.append_option(value);
        let headers = headers();
        run.any_header |= !headers.is_empty();
        run.headers.push(headers);
    }

    pub(super) fn push_message(&mut self, message: &rdkafka::message::BorrowedMessage<'_>) {
        use rdkafka::message::Headers as _;
        // No topic handle here; the name's address never equals a live handle's.
        self.push(
            0,
            || message.topic().into(),
            message.partition(),
            message.offset(),
            message.timestamp().to_millis(),
            message.key(),
            message.payload(),
            || {
                let Some(headers) = message.headers() else { return Vec::new() };
                let own = |h: rdkafka::message::Header<'_, &[u8]>| {
                    Header::raw(h.key, h.value.map(bytes::Bytes::copy_from_slice))
                };
                headers.iter().map(own).collect()
            },
        );
    }

    pub(super) fn finish(self, seek: u64) -> impl Iterator<Item = RawRun> {
        self.builders.into_iter().map(move |run| run.finish(seek))
    }
}

impl RunBuilder {
    fn new(origin: TopicPartition) -> Self {
        Self {
            origin,
            offsets: Int64Builder::new(),
            timestamps: Int64Builder::new(),
            keys: BinaryBuilder::new(),
            values: BinaryBuilder::new(),
            headers: Vec::new(),
            any_header: false,
        }
    }

    fn bytes(&self) -> usize {
        self.keys.values_slice().len() + self.values.values_slice().len()
    }

    fn finish(mut self, seek: u64) -> RawRun {
        RawRun {
            origin: self.origin,
            offsets: self.offsets.finish(),
            timestamps: self.timestamps.finish(),
            keys: self.keys.finish(),
            values: self.values.finish(),
            headers: if self.any_header { Headers::from_rows(self.headers) } else { Headers::none() },
            seek,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_run_is_cut_and_stays_in_order() {
        let mut runs = Runs::default();
        let large = vec![b'x'; RUN_BYTES / 2];
        for offset in 0..5 {
            for partition in 0..2 {
                let value = (partition == 0).then_some(&*large);
                runs.push(7, || "t".into(), partition, offset, None, Some(b"k"), value, Vec::new);
            }
        }
        let runs: Vec<_> = runs.finish(3).map(|run| (run.origin.partition, run.offsets.values().to_vec())).collect();
        assert_eq!(runs, [(0, vec![0, 1]), (1, vec![0, 1, 2, 3, 4]), (0, vec![2, 3]), (0, vec![4])]);
    }
}
