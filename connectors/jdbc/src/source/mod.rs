//! The source task: pages of tables, read ahead and handed on as batches.

mod chunk;
mod copy;
mod page;
mod reader;
mod task;

pub use task::JdbcSourceTask;

#[cfg(test)]
pub mod testing {
    //! What tests outside of this folder use.

    pub use super::chunk::{Chunk, ChunkBuilder, ChunkLimits, TableShape};
    pub use super::page::{ChunkSink, stream_rows};
}
