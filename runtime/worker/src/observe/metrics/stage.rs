//! How long the stages of a task take: one histogram per stage that was ever passed.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::core::Metric as _;
use prometheus::{Histogram, HistogramOpts, proto};

/// A part of a task's work on a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A source task's `poll`, waiting for rows included.
    Poll,
    /// The transformations.
    Transform,
    /// Columns to bytes.
    Encode,
    /// Handing a batch to the producer, waiting for room included.
    Send,
    /// Taking records from the consumer, waiting for them included; only where some came.
    Fetch,
    /// Bytes to columns.
    Decode,
    /// A sink task's `put` with records.
    Put,
    /// Storing a source's offsets, or committing a sink's (`pre_commit` included).
    Commit,
}

const STAGES: [Stage; 8] =
    [Stage::Poll, Stage::Transform, Stage::Encode, Stage::Send, Stage::Fetch, Stage::Decode, Stage::Put, Stage::Commit];

impl Stage {
    /// The word of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Transform => "transform",
            Self::Encode => "encode",
            Self::Send => "send",
            Self::Fetch => "fetch",
            Self::Decode => "decode",
            Self::Put => "put",
            Self::Commit => "commit",
        }
    }
}

/// Upper bounds in seconds: from what a small batch takes to what makes a group throw a member out.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0];

#[derive(Debug, Default)]
pub(super) struct Stages([OnceLock<Option<Histogram>>; STAGES.len()]);

impl Stages {
    pub(super) fn record(&self, stage: Stage, took: Duration) {
        if let Some(histogram) = self.0.get(stage as usize).and_then(|slot| slot.get_or_init(histogram).as_ref()) {
            histogram.observe(took.as_secs_f64());
        }
    }

    /// The histograms of the stages that were passed, without labels.
    pub(super) fn collect(&self) -> impl Iterator<Item = (Stage, proto::Metric)> {
        STAGES.into_iter().zip(&self.0).filter_map(|(stage, slot)| Some((stage, slot.get()?.as_ref()?.metric())))
    }
}

/// `None` never happens: the name is legal and the buckets ascend.
fn histogram() -> Option<Histogram> {
    Histogram::with_opts(HistogramOpts::new("stage", "stage").buckets(BUCKETS.to_vec())).ok()
}
