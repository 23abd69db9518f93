//! millstream-s3
