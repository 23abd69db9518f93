//! The source task: pages of tables, read ahead and handed on as batches.

mod chunk;
mod copy;
mod page;
mod reader;
mod task;

pub use task::JdbcSourceTask;
