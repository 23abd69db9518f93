//! millstream-jdbc
