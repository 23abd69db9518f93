//! Whatever lies in the three topics or in a properties file: reading it does not panic, what is written reads back, and compaction does
//! not change what a worker makes of a topic.

mod broken;
mod compaction;
mod kinds;
mod round_trip;
