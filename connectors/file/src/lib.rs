//! millstream-file
