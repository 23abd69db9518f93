//! Uploads in the background: small files by one request, larger ones in parts, several in flight.
//!
//! Bytes stay here until S3 confirmed them, so that a request that failed for the moment is simply sent again, for as long as it
//! takes: nothing has to be read from Kafka a second time. What cannot succeed ends the upload, and the task is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use millstream_api::{MemoryBudget, Reservation, SinkHost};
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::store::{Failure, Store};

/// Tries after the client's own quick ones wait this long, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A request weighs at least this much, so that many tiny files are not all in flight at once.
const LEAST_WEIGHT: usize = 256 * 1024;

/// A commit covers whatever is complete by then: more of them than this would only cost.
const BETWEEN_COMMITS: Duration = Duration::from_secs(1);

/// How far an upload is.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// Going on; the last failure if it is being repeated.
    Running(Option<Failure>),
    /// The object exists, with all its bytes.
    Done,
    /// It can never succeed.
    Failed(Failure),
}

/// What the object is and holds, as its metadata says it.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) path: Path,
    pub(crate) metadata: Vec<(&'static str, String)>,
}

/// A file on its way. Dropping it before the end gives the upload up and removes its parts.
#[derive(Debug)]
pub(crate) struct Upload {
    pieces: mpsc::UnboundedSender<Piece>,
    progress: watch::Receiver<Progress>,
    _alive: oneshot::Sender<()>,
}

impl Upload {
    /// Sends a part, but not the last.
    pub(crate) fn part(&self, held: Held) {
        // A closed channel means that the upload has failed; its progress says why.
        let _ = self.pieces.send(Piece::Part(held));
    }

    /// Sends what is left and completes the object.
    pub(crate) fn finish(&self, rest: Held) {
        let _ = self.pieces.send(Piece::Last(rest));
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits until it has ended, either way.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut progress = self.progress.clone();
        async move {
            let _ = progress.wait_for(|now| !matches!(now, Progress::Running(_))).await;
        }
    }
}

#[derive(Debug)]
enum Piece {
    Part(Held),
    Last(Held),
}

/// Bytes in flight: counted until they are dropped.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Bytes,
    _weight: Weight,
    _memory: Reservation,
}

#[derive(Debug)]
struct Weight {
    flight: Arc<Flight>,
    weight: usize,
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.flight.weight.fetch_sub(self.weight, Ordering::Relaxed);
        self.flight.less.notify_waiters();
    }
}

#[derive(Debug, Default)]
struct Flight {
    weight: AtomicUsize,
    less: Notify,
}

/// Asks the worker for commits, not too often.
struct Commits {
    host: Arc<dyn SinkHost>,
    last: Mutex<Option<Instant>>,
}

impl Commits {
    /// Returns once a commit was asked for that covers what is complete now.
    async fn ask(&self) {
        let complete = Instant::now();
        loop {
            let due = {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                match *last {
                    Some(last) if last > complete => return,
                    Some(earlier) if earlier.elapsed() < BETWEEN_COMMITS => earlier + BETWEEN_COMMITS,
                    _ => {
                        *last = Some(Instant::now());
                        break;
                    }
                }
            };
            tokio::time::sleep_until(due).await;
        }
        self.host.request_commit();
    }
}

/// Runs the uploads of one task.
pub(crate) struct Uploader {
    store: Arc<dyn Store>,
    bucket: Arc<str>,
    budget: MemoryBudget,
    commits: Arc<Commits>,
    flight: Arc<Flight>,
    limit: usize,
    running: Mutex<JoinSet<()>>,
}

impl Uploader {
    /// An uploader that wants at most about `limit` bytes in flight.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        bucket: &str,
        limit: usize,
        budget: MemoryBudget,
        host: Arc<dyn SinkHost>,
    ) -> Self {
        let running = Mutex::new(JoinSet::new());
        let commits = Arc::new(Commits { host, last: Mutex::new(None) });
        Self { store, bucket: bucket.into(), budget, commits, flight: Arc::default(), limit, running }
    }

    /// Counts bytes as in flight.
    pub(crate) fn hold(&self, bytes: Bytes) -> Held {
        let weight = bytes.len().max(LEAST_WEIGHT);
        self.flight.weight.fetch_add(weight, Ordering::Relaxed);
        Held {
            _memory: self.budget.reserve(bytes.len()),
            _weight: Weight { flight: self.flight.clone(), weight },
            bytes,
        }
    }

    /// Waits until less is in flight than the limit. False when that took longer than `patience`.
    pub(crate) async fn has_room(&self, patience: Duration) -> bool {
        let room = async {
            loop {
                let less = self.flight.less.notified();
                tokio::pin!(less);
                // Enabled before the look, or a release between look and wait would be missed.
                less.as_mut().enable();
                if self.flight.weight.load(Ordering::Relaxed) <= self.limit {
                    return;
                }
                less.await;
            }
        };
        tokio::time::timeout(patience, room).await.is_ok()
    }

    /// Begins an upload. Nothing is sent before its first piece.
    pub(crate) fn start(&self, object: Object) -> Upload {
        let (pieces, receiver) = mpsc::unbounded_channel();
        let (report, progress) = watch::channel(Progress::Running(None));
        let (alive, mut given_up) = oneshot::channel();
        let job = Job {
            store: self.store.clone(),
            what: format!("object s3://{}/{}", self.bucket, object.path),
            object,
            report,
            upload_id: Arc::default(),
        };
        let commits = self.commits.clone();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            if job.run(receiver, &mut given_up).await {
                tokio::select! {
                    () = commits.ask() => {}
                    // The handle of a complete upload is dropped by the commit that covers it.
                    _ = given_up => {}
                }
            }
        });
        Upload { pieces, progress, _alive: alive }
    }

    /// Waits a while for uploads that were given up to remove their parts.
    pub(crate) async fn settle(&self, patience: Duration) {
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = tokio::time::timeout(patience, async { while running.join_next().await.is_some() {} }).await;
    }
}

struct Job {
    store: Arc<dyn Store>,
    object: Object,
    what: String,
    report: watch::Sender<Progress>,
    upload_id: Arc<Mutex<Option<String>>>,
}

impl Job {
    /// True when the object is there.
    async fn run(self, pieces: mpsc::UnboundedReceiver<Piece>, given_up: &mut oneshot::Receiver<()>) -> bool {
        let outcome = tokio::select! {
            outcome = self.send_all(pieces) => outcome,
            _ = given_up => None,
        };
        let done = match outcome {
            Some(Ok(())) => {
                self.report.send_replace(Progress::Done);
                true
            }
            Some(Err(failure)) => {
                self.report.send_replace(Progress::Failed(failure));
                false
            }
            None => false,
        };
        if !done {
            self.remove_parts().await;
        }
        done
    }

    /// `None` when the pieces ended before the last one came.
    async fn send_all(&self, mut pieces: mpsc::UnboundedReceiver<Piece>) -> Option<Result<(), Failure>> {
        let mut next = match pieces.recv().await? {
            Piece::Last(all) => return Some(self.put(all).await),
            part => part,
        };
        if let Err(failure) = self.create().await {
            return Some(Err(failure));
        }
        let (mut parts, mut sending, mut size) = (0, FuturesUnordered::new(), 0);
        let mut done = Vec::new();
        loop {
            let (held, last) = match next {
                Piece::Part(held) => (held, false),
                Piece::Last(held) => (held, true),
            };
            size += held.bytes.len() as u64;
            if !held.bytes.is_empty() {
                sending.push(self.put_part(parts, held));
                parts += 1;
            }
            if last {
                break;
            }
            next = loop {
                tokio::select! {
                    piece = pieces.recv() => break piece?,
                    Some(sent) = sending.next() => match sent {
                        Ok(part) => done.push(part),
                        Err(failure) => return Some(Err(failure)),
                    },
                }
            };
        }
        while let Some(sent) = sending.next().await {
            match sent {
                Ok(part) => done.push(part),
                Err(failure) => return Some(Err(failure)),
            }
        }
        done.sort_by_key(|(number, _)| *number);
        let done = done.into_iter().map(|(_, id)| id).collect();
        Some(self.complete(done, size).await)
    }

    async fn put(&self, all: Held) -> Result<(), Failure> {
        let options = || PutOptions { attributes: self.attributes(), ..PutOptions::default() };
        let put = || async {
            let payload = PutPayload::from_bytes(all.bytes.clone());
            self.store.put_opts(&self.object.path, payload, options()).await.map(drop)
        };
        self.again(&format!("cannot write {}", self.what), put).await
    }

    async fn create(&self) -> Result<(), Failure> {
        let options = || PutMultipartOptions { attributes: self.attributes(), ..PutMultipartOptions::default() };
        let create = || self.store.create_multipart_opts(&self.object.path, options());
        let id = self.again(&format!("cannot begin {}", self.what), create).await?;
        *self.upload_id.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
        Ok(())
    }

    async fn put_part(&self, number: usize, held: Held) -> Result<(usize, object_store::multipart::PartId), Failure> {
        let id = self.id();
        let put = || async {
            let payload = PutPayload::from_bytes(held.bytes.clone());
            self.store.put_part(&self.object.path, &id, number, payload).await
        };
        let what = format!("cannot write part {} of {}", number + 1, self.what);
        Ok((number, self.again(&what, put).await?))
    }

    async fn complete(&self, parts: Vec<object_store::multipart::PartId>, size: u64) -> Result<(), Failure> {
        let id = self.id();
        let complete = || async {
            match self.store.complete_multipart(&self.object.path, &id, parts.clone()).await {
                // An earlier try may have worked and only its answer been lost: then the upload is gone and the object there.
                Err(error @ object_store::Error::NotFound { .. }) => match self.store.head(&self.object.path).await {
                    Ok(found) if found.size == size => Ok(()),
                    _ => Err(error),
                },
                other => other.map(drop),
            }
        };
        self.again(&format!("cannot complete {}", self.what), complete).await?;
        *self.upload_id.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Repeats a request until it works or can never work.
    async fn again<T, F>(&self, what: &str, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let mut wait = FIRST_WAIT;
        let mut failed = false;
        loop {
            match request().await {
                Ok(answer) => {
                    if failed {
                        self.report.send_replace(Progress::Running(None));
                    }
                    return Ok(answer);
                }
                Err(error) => {
                    let failure = Failure::of(what, &error);
                    if !failure.is_transient() {
                        return Err(failure);
                    }
                    tracing::warn!(error = %failure.error(), wait_ms = wait.as_millis() as u64, "upload is tried again");
                    self.report.send_replace(Progress::Running(Some(failure)));
                    failed = true;
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn remove_parts(&self) {
        let id = self.upload_id.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(id) = id
            && let Err(error) = self.store.abort_multipart(&self.object.path, &id).await
        {
            let failure = Failure::of(format!("cannot remove the parts of {}", self.what), &error);
            tracing::warn!(error = %failure.error(), "parts of an unfinished upload may be left; a lifecycle rule removes them");
        }
    }

    fn id(&self) -> String {
        self.upload_id.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, "binary/octet-stream".into());
        for (key, value) in &self.object.metadata {
            attributes.insert(Attribute::Metadata((*key).into()), value.clone().into());
        }
        attributes
    }
}
