//! millstream-bench
