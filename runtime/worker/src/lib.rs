//! millstream-worker
