//! Starts the real services on free loopback ports in temporary folders, for tests, demo and benchmarks alike: Apache
//! Kafka, Postgres, an S3 server, Millstream workers and Apache Kafka Connect.
//!
//! Everything ends with the process that started it, however that ends. With `MILLSTREAM_TESTBED_KEEP` set, folders
//! with data and logs stay behind.

mod cache;
mod error;
mod folder;
mod java;
mod ports;
mod process;
mod properties;
mod sweeper;

pub mod java_connect;
pub mod kafka;
pub mod millstream;
pub mod parquet_reader;
pub mod poll;
pub mod postgres;
pub mod rest;
pub mod s3;
pub mod services;
pub mod tail;
pub mod topics;
pub mod worker;

pub use cache::{cache_dir, python_bin};
pub use error::{Context, Error, Result};
pub use folder::Folder;
pub use java::Jvm;
pub use java_connect::JavaConnect;
pub use kafka::Kafka;
pub use millstream::millstream_binary;
pub use parquet_reader::{ParquetFile, read_parquet, read_parquet_objects};
pub use ports::free_port;
pub use postgres::Postgres;
pub use process::{Process, exit_code, log_tail};
pub use properties::WorkerProperties;
pub use rest::{Answer, ConnectRest};
pub use s3::{S3, S3Server};
pub use services::{Shared, Testbed, shared, unique};
pub use tail::Tail;
pub use topics::{NewRecord, Record, Topics};
pub use worker::{STOP, Usage, Worker};
