//! Where reading begins in partitions that a consumer is given.
//!
//! librdkafka finds that out by itself, later, and tells nobody. A sink must know: what it commits first holds the place of all of
//! its partitions, also of those that have no record yet, or `auto.offset.reset=latest` would skip what is written to them
//! while the connector is away.

use std::time::{Duration, Instant};

use millstream_api::{Error, Result, TopicPartition};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;

/// Limit of one question.
const ASK: Duration = Duration::from_secs(5);
/// Pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// Limit of all: that of Java's consumers (`default.api.timeout.ms`), after which its tasks fail too.
const LIMIT: Duration = Duration::from_secs(60);

/// Where reading of a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// The offset.
    pub offset: i64,
    /// True when the group has committed it.
    pub committed: bool,
}

/// A partition that is the task's now, and where its reading begins. `None` where nobody knows yet: the topic has just been deleted,
/// or without a committed offset reading fails (`auto.offset.reset=none`).
pub type Assigned = (TopicPartition, Option<Begin>);

/// Finds out where reading begins in the partitions of `list`, and makes it begin there, as soon as `list` is assigned. Blocks;
/// gives up when `going` is false.
pub(super) fn find<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    list: &TopicPartitionList,
    reset: Option<&str>,
    going: impl Fn() -> bool,
) -> Result<Vec<Assigned>> {
    let ask = Ask { consumer, until: Instant::now() + LIMIT, going };
    let mut found: Vec<Assigned> = Vec::with_capacity(list.count());
    let mut new = TopicPartitionList::new();
    // Where the end, or the beginning, is at this moment: asked for as if these were timestamps.
    let place = match reset {
        Some("error") => None,
        Some("latest" | "end" | "largest") => Some(Offset::End),
        _ => Some(Offset::Beginning),
    };
    if list.count() == 0 {
        return Ok(found);
    }
    let committed = ask.of(list, |list| consumer.committed_offsets(list, ASK))?.unwrap_or_else(|| list.clone());
    for element in list.elements() {
        let at = TopicPartition::new(element.topic(), element.partition());
        let begin = match offset_in(&committed, &at) {
            Some(offset) => Some(Begin { offset, committed: true }),
            None => {
                if let Some(place) = place {
                    let _ = new.add_partition_offset(element.topic(), element.partition(), place);
                }
                None
            }
        };
        found.push((at, begin));
    }
    if new.count() == 0 {
        return Ok(found);
    }
    let new = ask.places(&new)?;
    for (at, begin) in found.iter_mut().filter(|(_, begin)| begin.is_none()) {
        *begin = offset_in(&new, at).map(|offset| Begin { offset, committed: false });
    }
    for mut element in list.elements() {
        if let Some(offset) = new.find_partition(element.topic(), element.partition()).and_then(|e| known(e.offset())) {
            let _ = element.set_offset(Offset::Offset(offset));
        }
    }
    Ok(found)
}

struct Ask<'a, C: ConsumerContext, G: Fn() -> bool> {
    consumer: &'a BaseConsumer<C>,
    until: Instant,
    going: G,
}

impl<C: ConsumerContext, G: Fn() -> bool> Ask<'_, C, G> {
    /// Asks about a list until there is an answer. `None`: there is no such topic any more, or nobody wants to know.
    fn of(
        &self,
        list: &TopicPartitionList,
        question: impl Fn(TopicPartitionList) -> Result<TopicPartitionList, KafkaError>,
    ) -> Result<Option<TopicPartitionList>> {
        loop {
            let error = match question(list.clone()) {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => error,
            };
            match error.rdkafka_error_code() {
                Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => return Ok(None),
                // The consumer tells of it in its own words.
                Some(Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed) => return Ok(None),
                _ if !(self.going)() => return Ok(None),
                _ if Instant::now() >= self.until => {
                    return Err(Error::retriable("the brokers do not say where reading of assigned partitions begins")
                        .caused_by(error)
                        .hint("look at the health of the group coordinator and of the leaders of the partitions"));
                }
                _ => {
                    tracing::debug!(%error, "where reading begins is not known yet");
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Offsets of the ends, or beginnings, of partitions. One whose topic is gone does not keep the others from theirs.
    fn places(&self, list: &TopicPartitionList) -> Result<TopicPartitionList> {
        let times = |list| self.consumer.offsets_for_times(list, ASK);
        if let Some(answer) = self.of(list, times)? {
            return Ok(answer);
        }
        let mut all = TopicPartitionList::new();
        for element in list.elements() {
            let mut one = TopicPartitionList::new();
            let _ = one.add_partition_offset(element.topic(), element.partition(), element.offset());
            if let Some(answer) = self.of(&one, times)? {
                for element in answer.elements().iter().filter(|element| element.error().is_ok()) {
                    let _ = all.add_partition_offset(element.topic(), element.partition(), element.offset());
                }
            }
        }
        Ok(all)
    }
}

fn offset_in(list: &TopicPartitionList, at: &TopicPartition) -> Option<i64> {
    let element = list.find_partition(&at.topic, at.partition)?;
    element.error().ok()?;
    known(element.offset())
}

fn known(offset: Offset) -> Option<i64> {
    match offset {
        Offset::Offset(offset) if offset >= 0 => Some(offset),
        _ => None,
    }
}
