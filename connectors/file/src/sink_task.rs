//! The sink task.

use std::io::ErrorKind;
use std::os::fd::AsFd;

use async_trait::async_trait;
use millstream_api::{Error, PartitionOffsets, Result, SinkBatch, SinkTask, SinkTaskContext, TopicPartition};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::file_of;
use crate::value_text::append_texts;

/// Appends each value's text and a newline.
pub(crate) struct FileStreamSinkTask {
    output: Option<Output>,
    /// Text of one put.
    text: Vec<u8>,
}

struct Output {
    name: String,
    file: File,
}

impl FileStreamSinkTask {
    pub(crate) fn new() -> Self {
        Self { output: None, text: Vec::new() }
    }

    fn output(&mut self) -> Result<&mut Output> {
        self.output.as_mut().ok_or_else(|| Error::internal("the task is not started"))
    }
}

#[async_trait]
impl SinkTask for FileStreamSinkTask {
    async fn start(&mut self, context: SinkTaskContext) -> Result<()> {
        self.output = Some(match file_of(&context.config) {
            None => {
                let own = std::io::stdout().as_fd().try_clone_to_owned();
                let own = own.map_err(|e| Error::fatal("cannot write to the standard output").caused_by(e))?;
                Output { name: "(standard output)".to_owned(), file: File::from_std(own.into()) }
            }
            Some(name) => {
                let opened = File::options().create(true).append(true).open(&name).await;
                let file =
                    opened.map_err(|e| Error::fatal(format!("cannot open file {name} to append")).caused_by(e))?;
                Output { name, file }
            }
        });
        Ok(())
    }

    async fn open(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, batches: &[SinkBatch]) -> Result<()> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        for batch in batches {
            append_texts(&batch.batch.value, &mut text)
                .map_err(|e| e.at(format!("topic {}, partition {}", batch.origin.topic, batch.origin.partition)))?;
        }
        if !text.is_empty() {
            self.output()?.write(&text).await?;
        }
        self.text = text;
        Ok(())
    }

    async fn pre_commit(&mut self, delivered: &PartitionOffsets) -> Result<PartitionOffsets> {
        if !delivered.is_empty() {
            self.output()?.sync().await?;
        }
        Ok(delivered.clone())
    }

    async fn close(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    async fn stop(&mut self) {
        if let Some(mut output) = self.output.take()
            && let Err(error) = output.sync().await
        {
            // What was committed was on the disk before.
            tracing::warn!(%error, "closing the file");
        }
    }
}

impl Output {
    /// All of the text in order. A failed write may have left a part behind, so it is never tried again.
    async fn write(&mut self, text: &[u8]) -> Result<()> {
        let Self { name, file } = self;
        let written = async {
            file.write_all(text).await?;
            // Tokio's file writes in the background; its errors are told here.
            file.flush().await
        };
        written.await.map_err(|e| Error::fatal(format!("cannot write to file {name}")).caused_by(e))
    }

    /// Everything written is on the disk when this returns.
    async fn sync(&mut self) -> Result<()> {
        match self.file.sync_data().await {
            // Pipes and devices have no disk behind them.
            Err(e) if e.kind() == ErrorKind::InvalidInput => Ok(()),
            synced => {
                synced.map_err(|e| Error::fatal(format!("cannot sync file {} to the disk", self.name)).caused_by(e))
            }
        }
    }
}
