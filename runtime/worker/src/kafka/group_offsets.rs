//! Offsets of a consumer group: listed, altered and deleted from outside the group, which the safe API does not offer.
//!
//! Four calls of librdkafka's admin API that answer through a queue of their own. Every block says why it is sound.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::ptr;
use std::time::{Duration, Instant};

use millstream_api::{Error, PartitionOffsets, Result, TopicPartition};
use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::client_config::ClientSettings;
use super::context::LoggingContext;
use super::error::{code_of, kafka_error};

/// How long the brokers may take. Less than a REST request may, so that its answer can say what went wrong.
const ASK: Duration = Duration::from_secs(30);
/// librdkafka answers by itself in time; a little later nothing comes any more.
const LAST: Duration = Duration::from_secs(5);
/// Pause before the group's coordinator is looked for again.
const PAUSE: Duration = Duration::from_millis(200);

/// What is done to a group.
#[derive(Clone, Copy)]
enum Deed {
    List,
    Alter,
    Delete,
    DeleteGroup,
}

/// What the brokers say of one partition.
struct Said {
    partition: TopicPartition,
    offset: i64,
    code: Option<Code>,
}

/// A consumer group as it is seen and changed from outside. Connects anew for each question.
pub struct GroupOffsets {
    group: String,
    native: ClientConfig,
    context: LoggingContext,
}

impl GroupOffsets {
    /// The group of this name, asked for with the settings of an admin client.
    pub fn new(group: impl Into<String>, admin: &ClientSettings) -> Self {
        let group = group.into();
        let mut native = admin.native().clone();
        // A client of the consumer's kind, though it joins nothing: librdkafka 2.12 follows a null pointer when it is told, by the answer to
        // a list request, that the coordinator has moved, and the client is of another kind (`rd_kafka_handle_OffsetFetch`).
        native.set("group.id", &group).set("enable.auto.commit", "false").set("allow.auto.create.topics", "false");
        Self { group, native, context: admin.context() }
    }

    /// The committed offsets, of all partitions there are any for. None when there is no such group.
    pub async fn list(&self) -> Result<PartitionOffsets> {
        let what = || format!("cannot list the offsets of consumer group {}", self.group);
        let mut offsets = PartitionOffsets::new();
        for Said { partition, offset, code } in self.ask(Deed::List, None, what).await? {
            match code {
                Some(code) => return Err(kafka_error(what(), KafkaError::AdminOp(code))),
                // Nothing is committed of it.
                None if offset < 0 => {}
                None => drop(offsets.insert(partition, offset)),
            }
        }
        Ok(offsets)
    }

    /// Sets committed offsets of a group that has no members; the group is made if there is none. Of several partitions some may be
    /// set although the answer is an error.
    pub async fn alter(&self, offsets: &PartitionOffsets) -> Result<()> {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (at, offset) in offsets {
            // librdkafka's own check names no partition, and below zero it knows special positions.
            if *offset < 0 {
                return Err(Error::fatal(format!("offset {offset} of {at} is negative")));
            }
            list.add_partition_offset(&at.topic, at.partition, Offset::Offset(*offset))
                .map_err(|error| kafka_error(format!("offset {offset} of {at} is not usable"), error))?;
        }
        self.change(Deed::Alter, list, "set").await
    }

    /// Deletes committed offsets. Partitions without one are no error; those that do not exist are.
    pub async fn delete(&self, partitions: &[TopicPartition]) -> Result<()> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for at in partitions {
            list.add_partition(&at.topic, at.partition);
        }
        self.change(Deed::Delete, list, "delete").await
    }

    /// Deletes the group, which must have no members, and its offsets with it. False when there was none.
    pub async fn delete_group(&self) -> Result<bool> {
        let what = || format!("cannot delete consumer group {}", self.group);
        match self.ask(Deed::DeleteGroup, None, what).await {
            Ok(_) => Ok(true),
            Err(error) if code_of(&error) == Some(Code::GroupIdNotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn change(&self, deed: Deed, list: TopicPartitionList, verb: &str) -> Result<()> {
        if list.count() == 0 {
            return Ok(());
        }
        let group = &self.group;
        let what = || format!("cannot {verb} offsets of consumer group {group}");
        for Said { partition, code, .. } in self.ask(deed, Some(list), what).await? {
            if let Some(code) = code {
                let what = format!("cannot {verb} the offset of {partition} of consumer group {group}");
                return Err(kafka_error(what, KafkaError::AdminOp(code)));
            }
        }
        Ok(())
    }

    /// Asks where waiting hurts nobody; again while the group's coordinator is not to be found.
    async fn ask(&self, deed: Deed, list: Option<TopicPartitionList>, what: impl Fn() -> String) -> Result<Vec<Said>> {
        let group = CString::new(self.group.as_str())
            .map_err(|_| Error::config(format!("group name {:?} holds a NUL character", self.group)))?;
        let (native, context) = (self.native.clone(), self.context.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let end = Instant::now() + ASK;
            loop {
                // A new client: it would remember for a minute who the coordinator was.
                let client: BaseConsumer<LoggingContext> = native.create_with_context(context.clone())?;
                let left = end.saturating_duration_since(Instant::now()).max(PAUSE);
                let answer = ask(&client, &group, list.as_ref(), deed, left);
                let again = answer.as_ref().is_err_and(|error| has_moved(error) && Instant::now() + PAUSE < end)
                    || answer.as_ref().is_ok_and(|said| {
                        Instant::now() + PAUSE < end && said.iter().any(|one| one.code.is_some_and(is_elsewhere))
                    });
                if !again {
                    return answer;
                }
                std::thread::sleep(PAUSE);
            }
        });
        let answer =
            asked.await.map_err(|error| Error::internal("a question to the brokers was dropped").caused_by(error))?;
        answer.map_err(|error| kafka_error(what(), error))
    }
}

fn has_moved(error: &KafkaError) -> bool {
    matches!(error, KafkaError::AdminOp(code) if is_elsewhere(*code))
}

/// The coordinator is another broker, or none yet. Nothing was done.
fn is_elsewhere(code: Code) -> bool {
    matches!(code, Code::NotCoordinator | Code::CoordinatorNotAvailable | Code::CoordinatorLoadInProgress)
}

/// Asks the brokers and waits for their answer.
fn ask(
    client: &BaseConsumer<LoggingContext>,
    group: &CStr,
    list: Option<&TopicPartitionList>,
    deed: Deed,
    limit: Duration,
) -> Result<Vec<Said>, KafkaError> {
    let rk = client.client().native_ptr();
    let list = list.map_or(ptr::null_mut(), TopicPartitionList::ptr);
    let millis = |limit: Duration| i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client is borrowed for the whole call. Each object is made here, used while it is alive and destroyed once by its
    // guard, the queue before the client. The requests copy group and list (librdkafka's `_new` functions duplicate both); a null list
    // means all partitions and is given for `Deed::List` alone, `Deed::DeleteGroup` takes none. The error buffer is ours and as long as
    // told.
    unsafe {
        let queue = Queue(sys::rd_kafka_queue_new(rk));
        let options = Options(sys::rd_kafka_AdminOptions_new(rk, deed.operation()));
        let mut reason = [0; 256];
        let code =
            sys::rd_kafka_AdminOptions_set_request_timeout(options.0, millis(limit), reason.as_mut_ptr(), reason.len());
        check(code)?;
        match deed {
            Deed::List => {
                let mut request = sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), list);
                sys::rd_kafka_ListConsumerGroupOffsets(rk, &mut request, 1, options.0, queue.0);
                sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
            }
            Deed::Alter => {
                let mut request = sys::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), list);
                sys::rd_kafka_AlterConsumerGroupOffsets(rk, &mut request, 1, options.0, queue.0);
                sys::rd_kafka_AlterConsumerGroupOffsets_destroy(request);
            }
            Deed::Delete => {
                let mut request = sys::rd_kafka_DeleteConsumerGroupOffsets_new(group.as_ptr(), list);
                sys::rd_kafka_DeleteConsumerGroupOffsets(rk, &mut request, 1, options.0, queue.0);
                sys::rd_kafka_DeleteConsumerGroupOffsets_destroy(request);
            }
            Deed::DeleteGroup => {
                let mut request = sys::rd_kafka_DeleteGroup_new(group.as_ptr());
                sys::rd_kafka_DeleteGroups(rk, &mut request, 1, options.0, queue.0);
                sys::rd_kafka_DeleteGroup_destroy(request);
            }
        }
        let event = Event(sys::rd_kafka_queue_poll(queue.0, millis(limit + LAST)));
        if event.0.is_null() {
            return Err(KafkaError::AdminOp(Code::OperationTimedOut));
        }
        read(&event, deed)
    }
}

/// Reads the answer.
///
/// # Safety
///
/// The event must be alive and the answer to a request of one group.
unsafe fn read(event: &Event, deed: Deed) -> Result<Vec<Said>, KafkaError> {
    // SAFETY: the event is alive. Results, groups, errors and lists belong to it and are read before it is destroyed; accessors give
    // null for an event of another kind, which is checked. `elems` has `cnt` elements, each topic is a C string.
    unsafe {
        check(sys::rd_kafka_event_error(event.0))?;
        let mut count = 0;
        let groups = match deed {
            Deed::List => match sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.0) {
                result if result.is_null() => ptr::null_mut(),
                result => sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count),
            },
            Deed::Alter => match sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event.0) {
                result if result.is_null() => ptr::null_mut(),
                result => sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &mut count),
            },
            Deed::Delete => match sys::rd_kafka_event_DeleteConsumerGroupOffsets_result(event.0) {
                result if result.is_null() => ptr::null_mut(),
                result => sys::rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, &mut count),
            },
            Deed::DeleteGroup => match sys::rd_kafka_event_DeleteGroups_result(event.0) {
                result if result.is_null() => ptr::null_mut(),
                result => sys::rd_kafka_DeleteGroups_result_groups(result, &mut count),
            },
        };
        if groups.is_null() || count == 0 {
            return Err(KafkaError::AdminOp(Code::Fail));
        }
        let group = *groups;
        let error = sys::rd_kafka_group_result_error(group);
        if !error.is_null() {
            check(sys::rd_kafka_error_code(error))?;
        }
        let list = sys::rd_kafka_group_result_partitions(group);
        if list.is_null() {
            return Ok(Vec::new());
        }
        let len = usize::try_from((*list).cnt).unwrap_or_default();
        let mut said = Vec::with_capacity(len);
        for at in 0..len {
            let element = &*(*list).elems.add(at);
            let topic = CStr::from_ptr(element.topic).to_string_lossy().into_owned();
            said.push(Said {
                partition: TopicPartition::new(topic, element.partition),
                offset: element.offset,
                code: code_in(element.err),
            });
        }
        Ok(said)
    }
}

fn code_in(code: sys::rd_kafka_resp_err_t) -> Option<Code> {
    (code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| code.into())
}

fn check(code: sys::rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    code_in(code).map_or(Ok(()), |code| Err(KafkaError::AdminOp(code)))
}

impl Deed {
    fn operation(self) -> sys::rd_kafka_admin_op_t {
        match self {
            Self::List => sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
            Self::Alter => sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
            Self::Delete => sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS,
            Self::DeleteGroup => sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETEGROUPS,
        }
    }
}

struct Queue(*mut sys::rd_kafka_queue_t);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: made in `ask`, destroyed once, before the client that `ask` has borrowed.
        unsafe { sys::rd_kafka_queue_destroy(self.0) }
    }
}

struct Options(*mut sys::rd_kafka_AdminOptions_t);

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: made in `ask`, destroyed once; requests copy the options.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0) }
    }
}

struct Event(*mut sys::rd_kafka_event_t);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: polled in `ask`, destroyed once; null is allowed.
        unsafe { sys::rd_kafka_event_destroy(self.0) }
    }
}
