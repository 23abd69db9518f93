//! The source task.

use std::io::{ErrorKind, SeekFrom};
use std::os::fd::AsFd;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::array::{Array, ArrayBuilder, Int64Array, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use async_trait::async_trait;
use millstream_api::{
    Batch, Column, Error, Result, SourceBatch, SourceOffset, SourcePartition, SourceTask, SourceTaskContext,
};
use serde_json::Value;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::file_of;
use crate::lines::first_line;
use crate::source::{DEF, POSITION, partition_of};

/// Bytes asked of the file at a time.
const CHUNK: usize = 1 << 20;
/// A line may not be longer: it would have to be held in memory as a whole.
const LONGEST_LINE: usize = 64 << 20;
/// How long to wait between looks at a file that has nothing new: soon at first, for it may be written to just now.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long at most; Kafka's looks every second.
const LOOK_SELDOM: Duration = Duration::from_millis(500);
/// How long a poll waits at most.
const LONGEST_POLL: Duration = Duration::from_secs(1);

static LINE: LazyLock<FieldRef> = LazyLock::new(|| Arc::new(Field::new("value", DataType::Utf8, false)));

/// Reads the lines of a file from the stored position on.
pub(crate) struct FileStreamSourceTask {
    state: Option<Reading>,
}

struct Reading {
    /// `None` is the standard input.
    file: Option<String>,
    topic: Arc<str>,
    batch_size: usize,
    partition: Arc<SourcePartition>,
    stream: Option<File>,
    /// Position of `buffer`'s first unused byte: everything before it was returned.
    position: u64,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were returned.
    used: usize,
    missing_told: bool,
    /// Before the next look at a file that has nothing new.
    pause: Duration,
}

impl FileStreamSourceTask {
    pub(crate) fn new() -> Self {
        Self { state: None }
    }
}

#[async_trait]
impl SourceTask for FileStreamSourceTask {
    async fn start(&mut self, context: SourceTaskContext) -> Result<()> {
        let values = DEF.validate(&context.config).into_valid()?;
        let file = file_of(&context.config);
        let partition = partition_of(file.as_deref());
        let position = match &file {
            None => 0,
            Some(file) => {
                let stored = context.offsets.offsets(std::slice::from_ref(&partition)).await?;
                position_of(file, stored.into_iter().next().flatten().as_ref().and_then(|map| map.get(POSITION)))?
            }
        };
        self.state = Some(Reading {
            file,
            topic: values.text("topic").unwrap_or_default().into(),
            batch_size: values.int("batch.size").and_then(|size| usize::try_from(size).ok()).unwrap_or(2000),
            partition: Arc::new(partition),
            stream: None,
            position,
            buffer: Vec::new(),
            used: 0,
            missing_told: false,
            pause: LOOK_AGAIN,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceBatch>> {
        let reading = self.state.as_mut().ok_or_else(|| Error::internal("poll before start"))?;
        let until = tokio::time::Instant::now() + LONGEST_POLL;
        loop {
            // Lines left from the last chunk come first, without another read.
            if let Some(batch) = reading.take_lines()? {
                reading.pause = LOOK_AGAIN;
                return Ok(vec![batch]);
            }
            if reading.read_chunk().await? {
                continue;
            }
            if tokio::time::Instant::now() + reading.pause > until {
                return Ok(Vec::new());
            }
            tokio::time::sleep(reading.pause).await;
            reading.pause = (reading.pause * 2).min(LOOK_SELDOM);
        }
    }

    async fn stop(&mut self) {
        self.state = None;
    }
}

/// The position stored for a file.
fn position_of(file: &str, stored: Option<&Value>) -> Result<u64> {
    match stored {
        None => Ok(0),
        Some(value) => value.as_u64().ok_or_else(|| {
            Error::fatal(format!("the stored position of file {file} is not a number of bytes"))
                .hint("stop the connector and set or reset its offsets")
        }),
    }
}

impl Reading {
    fn name(&self) -> &str {
        self.file.as_deref().unwrap_or("(standard input)")
    }

    /// Reads what comes next; false when there is nothing now. May be dropped at any time.
    async fn read_chunk(&mut self) -> Result<bool> {
        if self.stream.is_none() && !self.open().await? {
            return Ok(false);
        }
        let Some(stream) = self.stream.as_mut() else { return Ok(false) };
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.reserve(CHUNK);
        let count = (&mut *stream)
            .take(CHUNK as u64)
            .read_buf(&mut self.buffer)
            .await
            .map_err(|e| Error::fatal(format!("cannot read file {}", self.name())).caused_by(e))?;
        Ok(count > 0)
    }

    /// Opens the stream; false when the file is not there yet.
    async fn open(&mut self) -> Result<bool> {
        let Some(path) = &self.file else {
            let own = std::io::stdin().as_fd().try_clone_to_owned();
            let own = own.map_err(|e| Error::fatal("cannot read the standard input").caused_by(e))?;
            self.stream = Some(File::from_std(own.into()));
            return Ok(true);
        };
        let mut file = match File::open(path).await {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                if !std::mem::replace(&mut self.missing_told, true) {
                    tracing::warn!(file = path, "the file is not there; waiting for it");
                }
                return Ok(false);
            }
            Err(e) => return Err(Error::fatal(format!("cannot open file {path}")).caused_by(e)),
        };
        let wrong = |e| Error::fatal(format!("cannot read file {path} from byte {}", self.position)).caused_by(e);
        let length = file.metadata().await.map_err(wrong)?.len();
        if length < self.position {
            tracing::warn!(
                file = path,
                length,
                position = self.position,
                "the stored position is behind the end of the file"
            );
        }
        file.seek(SeekFrom::Start(self.position)).await.map_err(wrong)?;
        tracing::info!(file = path, position = self.position, "reading");
        self.stream = Some(file);
        Ok(true)
    }

    /// A batch of the complete lines in the buffer, at most `batch.size`; `None` when there is none.
    fn take_lines(&mut self) -> Result<Option<SourceBatch>> {
        let from = self.used;
        let mut lines = StringBuilder::new();
        while lines.len() < self.batch_size {
            let rest = self.buffer.get(self.used..).unwrap_or_default();
            let Some((length, with_end)) = first_line(rest) else {
                if rest.len() > LONGEST_LINE {
                    let at = self.position + (self.used - from) as u64;
                    return Err(Error::fatal(format!(
                        "the line at byte {at} of file {} is longer than {LONGEST_LINE} bytes",
                        self.name()
                    )));
                }
                break;
            };
            // Bytes that are not UTF-8 become the replacement character, as Java reads them.
            lines.append_value(String::from_utf8_lossy(rest.get(..length).unwrap_or_default()));
            self.used += with_end;
        }
        let lines = lines.finish();
        if lines.is_empty() {
            return Ok(None);
        }
        self.position += (self.used - from) as u64;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let rows = lines.len();
        let mut batch = Batch::of_values(self.topic.clone(), Column::new(LINE.clone(), Arc::new(lines))?);
        batch.timestamps = Some(Int64Array::from_value(now, rows));
        // The standard input cannot be read again; Java stores a null.
        let position = self.file.as_ref().map_or(Value::Null, |_| Value::from(self.position));
        let offset = SourceOffset::Map([(POSITION.to_owned(), position)].into_iter().collect());
        Ok(Some(SourceBatch::new(batch, self.partition.clone(), Some(offset))))
    }
}
