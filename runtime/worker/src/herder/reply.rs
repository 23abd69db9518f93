//! Answers to requests, and what a request is waiting for meanwhile.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use millstream_api::Result;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Where an answer goes. Who asked may have gone meanwhile.
pub struct Reply<T> {
    answer: oneshot::Sender<Result<T>>,
    stage: Stage,
}

impl<T> Reply<T> {
    /// A place for an answer, and the answer to come. Stages go to the [`Stage`] that holds where this is called, if any.
    pub fn new() -> (Self, oneshot::Receiver<Result<T>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { answer, stage: Stage::current() }, receiver)
    }

    /// Answers. The error is the answer that nobody waits for any more.
    pub fn send(self, answer: Result<T>) -> std::result::Result<(), Result<T>> {
        self.answer.send(answer)
    }

    /// What the request waits for now; completes "the worker was ...".
    pub fn stage(&self, doing: impl Into<Cow<'static, str>>) {
        self.stage.enter(doing);
    }
}

tokio::task_local! {
    static CURRENT: Stage;
}

/// What a request is waiting for and since when; an answer that comes too late names it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Stage(Arc<Mutex<Option<Doing>>>);

/// What completes "the worker was ...", and since when.
type Doing = (Cow<'static, str>, DateTime<Utc>);

impl Stage {
    /// Starts with this stage.
    pub fn of(doing: impl Into<Cow<'static, str>>) -> Self {
        let stage = Self::default();
        stage.enter(doing);
        stage
    }

    /// The stage that holds for the running future.
    fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Runs `work` so that requests made by it tell their stages here.
    pub async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), work).await
    }

    fn enter(&self, doing: impl Into<Cow<'static, str>>) {
        *self.0.lock() = Some((doing.into(), Utc::now()));
    }

    /// The stage now, and since when; `None` before the first.
    pub fn now(&self) -> Option<Doing> {
        self.0.lock().clone()
    }
}
